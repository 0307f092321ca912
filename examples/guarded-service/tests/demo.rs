//! The demo as a command.

use std::io::Read as _;
use std::process::{Command, Stdio};

/// As under `make demo | head`: an end and not a panic.
#[test]
fn it_ends_quietly_and_well_where_nobody_reads_any_more() {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_guarded-service"));
    let mut demo = demo.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut read = demo.stdout.take().unwrap();
    read.read_exact(&mut [0; 7]).unwrap();
    drop(read);
    let ended = demo.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    assert!(ended.status.success(), "{}", ended.status);
}
