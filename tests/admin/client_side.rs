//! How the client tells apart why it gets no connection.

use super::client::PATIENCE;
use super::fixed::Fixed;
use super::product::{self, stderr};
use super::{me, program};
use guida::admin::client::{CallError, Client, ConnectError};
use guida::admin::{MAX_REPLY_BYTES, PROTOCOL};
use guida::engine::request::Request;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// Tells the stranger's process where the socket is.
const SOCKET: &str = "GUIDA_TEST_SOCKET";
/// A user whom nothing belongs to.
const NOBODY: u32 = 65534;

/// Somebody else on a socket, who says this to everyone.
fn impostor(says: Vec<u8>) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("admin.sock");
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let says = says.clone();
            std::thread::spawn(move || {
                let _ = stream.write_all(&says);
                // Until the client goes.
                let _ = std::io::copy(&mut stream, &mut std::io::sink());
            });
        }
    });
    (folder, path)
}

fn refusal(path: &Path) -> ConnectError {
    Client::connect(path, PATIENCE).expect_err("no connection")
}

#[test]
fn the_client_tells_apart_why_there_is_no_connection() {
    let greeting = |protocol: u32| format!("{{\"guida\":\"9.9\",\"protocol\":{protocol},\"pid\":1,\"you\":\"x\"}}\n");
    let (_folder, path) = impostor(greeting(PROTOCOL + 1).into());
    let other = refusal(&path);
    let told = matches!(&other, ConnectError::OtherProtocol { guida, theirs, ours }
        if (guida.as_str(), *theirs, *ours) == ("9.9", PROTOCOL + 1, PROTOCOL));
    assert!(told, "{other:?}");
    for nonsense in [&b"HTTP/1.1 400 Bad Request\n"[..], b"{}\n", b"\xff\xfe\n"] {
        let (_folder, path) = impostor(nonsense.to_vec());
        assert!(matches!(refusal(&path), ConnectError::NotGuida), "{nonsense:?}");
    }
    let (_folder, path) = impostor(vec![b'x'; MAX_REPLY_BYTES + 100]);
    assert!(matches!(refusal(&path), ConnectError::NotGuida));

    let (folder, path) = impostor(Vec::new());
    let silent = Client::connect(&path, Duration::from_millis(50));
    assert!(matches!(silent, Err(ConnectError::TimedOut)));
    assert!(matches!(refusal(&folder.path().join("none")), ConnectError::NoSocket));
    assert!(matches!(refusal(&folder.path().join("none/none")), ConnectError::NoSocket));
    let stale = folder.path().join("stale");
    drop(UnixListener::bind(&stale).unwrap());
    assert!(matches!(refusal(&stale), ConnectError::Refused));

    // It greets rightly and then talks nonsense.
    let (_folder, path) = impostor((greeting(PROTOCOL) + "nonsense\n").into());
    let mut client = Client::connect(&path, PATIENCE).unwrap();
    assert!(matches!(client.call(&Request::Status), Err(CallError::NotUnderstood(_))));
    assert!(matches!(client.call(&Request::Status), Err(CallError::Lost(_))));
}

#[test]
fn a_stranger_is_denied_and_told_the_group() {
    let fixed = Fixed::start();
    if !me().starts_with("operator uid=0 ") {
        // An owner without the permission is denied like a stranger.
        std::fs::set_permissions(fixed.path(), std::fs::Permissions::from_mode(0o0)).unwrap();
        assert!(matches!(refusal(&fixed.path()), ConnectError::Denied { group: Some(_) }));
        return;
    }
    std::fs::set_permissions(fixed.folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    // Another user may not be able to run the test where it lies; then nothing is said about strangers.
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "client_side::a_stranger_in_a_process_of_its_own", "--ignored", "--nocapture"])
        .env(SOCKET, fixed.path())
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .output();
    match run {
        Ok(output) => assert!(output.status.success(), "{}{}", product::stdout(&output), stderr(&output)),
        Err(e) => program::skipped("a stranger at the socket", &e.to_string()),
    }
}

/// The part of the test before that runs as another user.
#[test]
#[ignore = "run by a_stranger_is_denied_and_told_the_group"]
fn a_stranger_in_a_process_of_its_own() {
    let Some(path) = std::env::var_os(SOCKET) else { return };
    let denied = refusal(Path::new(&path));
    assert!(matches!(&denied, ConnectError::Denied { group: Some(group) } if group == "root"), "{denied:?}");
}
