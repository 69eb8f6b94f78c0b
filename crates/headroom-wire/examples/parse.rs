//! Reads CMCD records from standard input, one a line, and says what is in them and what is wrong:
//! `echo 'br=(1200;v),ot=v,zz=1,v=2' | cargo run -p headroom-wire --example parse`

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use headroom_wire::cmcd::{Cmcd, Mode, validate};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    for line in std::io::stdin().lines() {
        let line = line?;
        let parsed = Cmcd::parse(&line)?;
        println!("{}", parsed.cmcd.to_json()?);
        println!("  {:?}", parsed.summary);
        let mode = if parsed.cmcd.event.is_some() { Mode::Event } else { Mode::Request };
        for finding in validate(&line, mode)? {
            println!("  {:?} `{}` at byte {}: {}", finding.severity(), finding.key, finding.position, finding.problem);
        }
    }
    Ok(())
}
