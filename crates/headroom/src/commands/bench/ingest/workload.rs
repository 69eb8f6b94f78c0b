//! What the virtual players say: CMCD version 2 as hls.js and dash.js send it, one variation a session.

use std::fmt::Write;

/// The record of session `number`: the keys hls.js 1.7 sends with a segment request.
fn record(number: usize) -> String {
    let throughput = 1_500 + 100 * (number % 80);
    let buffer = 1_000 + 100 * (number % 50);
    format!(
        "bl=({buffer}),br=(1264),cid=\"live-s\",d=2000,dl={buffer},mtp=({throughput}),ot=v,rtp=6300,sf=h,\
         sid=\"{number:08x}-0000-4000-8000-000000000000\",st=l,sta=p,tpb=(5000),v=2"
    )
}

fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => encoded.push(char::from(byte)),
            _ => {
                // Writing to a string cannot fail.
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

fn target(number: usize) -> String {
    format!("/decide?CMCD={}", encoded(&record(number)))
}

/// The requests of every session, as bytes on the wire.
pub(super) fn decide_requests(sessions: usize) -> Vec<Vec<u8>> {
    let request = |number| format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", target(number)).into_bytes();
    (0..sessions.max(1)).map(request).collect()
}

/// A wrk script that sends the same requests, prepared beforehand.
pub(super) fn decide_script(sessions: usize) -> String {
    let mut script = String::from("local targets = {\n");
    for number in 0..sessions.max(1) {
        let _ = writeln!(script, "  \"{}\",", target(number));
    }
    script.push_str(
        "}
local requests, at = {}, 0
init = function(args)
  for i, target in ipairs(targets) do requests[i] = wrk.format(\"GET\", target) end
end
request = function()
  at = at % #requests + 1
  return requests[at]
end
",
    );
    script
}

/// A wrk script that posts batches of records, as a log shipper or a gateway does.
pub(super) fn batch_script(sessions: usize, records: usize) -> String {
    let (sessions, records) = (sessions.max(1), records.max(1));
    let batches = sessions.div_ceil(records);
    let mut script = String::from("local bodies = {\n");
    for batch in 0..batches {
        let lines = (0..records).map(|line| record((batch * records + line) % sessions));
        let body = lines.map(|line| line.replace('"', "\\\"")).collect::<Vec<_>>().join("\\n");
        let _ = writeln!(script, "  \"{body}\",");
    }
    script.push_str(
        "}
local requests, at = {}, 0
init = function(args)
  local headers = { [\"Content-Type\"] = \"application/cmcd\" }
  for i, body in ipairs(bodies) do requests[i] = wrk.format(\"POST\", \"/v1/cmcd\", headers, body) end
end
request = function()
  at = at % #requests + 1
  return requests[at]
end
",
    );
    script
}
