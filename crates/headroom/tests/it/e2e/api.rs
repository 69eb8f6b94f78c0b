//! The interface against its own documents: schemathesis asks everything they allow and much that they forbid.

use crate::stack::{Headroom, Tool, artifacts, have, request, schemathesis};
use std::{fs, net::SocketAddr, path::Path, process::Command};

/// Operations that answer with an endless stream have tests of their own (`headroom-server`, tests/it).
const ENDLESS: &str = "(/events|/v1/live)$";

/// Checks that do not fit: names of sessions are made up by players, so an unknown one is a 404 whatever the document
/// says, and what is deleted is the order, not a resource.
const LEFT_OUT: &str = "positive_data_acceptance,use_after_free,ensure_resource_availability";

/// `/decide` takes any method: web servers ask with that of the player's own request.
const LEFT_OUT_OF_PUBLIC: &str = ",unsupported_method";

fn ask_everything(listener: &str, left_out: &str, address: SocketAddr, control: SocketAddr, directory: &Path) {
    let document = crate::stack::get(control, &format!("/openapi/{listener}.json")).expect("the document is served");
    let file = directory.join(format!("{listener}.json"));
    fs::write(&file, &document.body).expect("the directory is writable");
    let output = Command::new(schemathesis())
        .arg("run")
        .arg(&file)
        .args(["--url", &format!("http://{address}"), "--checks", "all"])
        .args(["--exclude-checks", &format!("{LEFT_OUT}{left_out}")])
        .args(["--exclude-path-regex", ENDLESS, "--max-examples", "20", "--seed", "1", "--request-timeout", "20"])
        .args(["--no-color", "--workers", "1"])
        .env("SCHEMATHESIS_HOOKS", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemathesis_hooks.py"))
        .current_dir(directory)
        .output()
        .expect("schemathesis runs");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    fs::write(directory.join(format!("{listener}.txt")), &told).expect("the directory is writable");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{listener}: {told}\n{complaint}");
    assert!(told.contains("Test cases:"), "nothing was asked: {told}");
}

#[test]
fn nothing_that_is_asked_breaks_the_interface_or_its_documents() {
    if !have(&[Tool::Schemathesis]) {
        return;
    }
    let directory = artifacts("api");
    let configuration: toml::Table = format!(
        "[history]\ndirectory = {:?}\n[steering]\npathways = [\"a\", \"b\"]\n",
        directory.join("data").display().to_string()
    )
    .parse()
    .expect("it is TOML");
    let headroom = Headroom::start(&configuration, &directory);
    // Somebody to ask about: the name that the documents give as their example.
    let record = b"sid=\"demo\",cid=\"demo\",sf=h,ot=v,bl=4000,br=3000,mtp=9000,d=2000";
    let answer = request(headroom.public(), "POST", "/v1/cmcd", &[], record).expect("it answers");
    assert_eq!(answer.status, 204);
    ask_everything("control", "", headroom.control(), headroom.control(), &directory);
    ask_everything("public", LEFT_OUT_OF_PUBLIC, headroom.public(), headroom.control(), &directory);
}
