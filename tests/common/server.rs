//! The server under test.

#![allow(dead_code)]

use super::door::FixedDoor;
use guida::http::{HttpSettings, Server, serve};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A server on a free port; it ends with the test.
pub struct Running {
    pub addr: SocketAddr,
    pub door: Arc<FixedDoor>,
    server: Option<Server>,
}

/// With default settings.
pub fn start() -> Running {
    start_with(FixedDoor::default(), |_| {})
}

/// With changed settings.
pub fn start_with(door: FixedDoor, change: impl FnOnce(&mut HttpSettings)) -> Running {
    let mut settings = HttpSettings::new(([127, 0, 0, 1], 0).into());
    change(&mut settings);
    let door = Arc::new(door);
    let server = serve(door.clone(), settings, Arc::new(AtomicBool::new(false))).expect("serve");
    Running { addr: server.addr(), door, server: Some(server) }
}

impl Running {
    /// Stops and waits.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
            server.join();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
