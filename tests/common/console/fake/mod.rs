//! A service with made-up contents, each part in a file of its own.

pub mod ask;
pub mod doctor;
pub mod import;
pub mod knowledge;
pub mod logs;
pub mod models;
pub mod overview;
pub mod settings;

use guida::admin::Greeting;
use guida::console::machine::Reading;
use guida::console::messages::Answer;
use guida::engine::reply::Reply;
use guida::engine::request::Request;
use guida::error::{Code, Error, ErrorBody, Result};

/// What the service would answer.
#[derive(Default)]
pub struct Fake {
    /// The service has nothing to complain of.
    pub well: bool,
    pub settings: settings::Fake,
    /// Questions.
    pub asking: ask::Asking,
    /// Models.
    pub models: models::Models,
    pub import: import::Import,
    pub knowledge: knowledge::Knowledge,
}

impl Fake {
    /// The answers to a request, in order.
    pub fn answer(&mut self, request: Request) -> Vec<Answer> {
        if let Request::Ask(ask) = &request {
            return self.asking.write(ask);
        }
        match self.reply(request) {
            Ok(reply) => vec![Answer::Reply(Box::new(reply))],
            Err(error) => vec![Answer::Error(ErrorBody::from(&error))],
        }
    }

    fn reply(&mut self, request: Request) -> Result<Reply> {
        Ok(match request {
            Request::Overview => Reply::Overview(Box::new(overview::reply(self.well))),
            Request::Log(request) => Reply::Log(logs::reply(request)),
            Request::Journal => Reply::Journal(logs::journal()),
            Request::Settings(request) => Reply::Settings(self.settings.reply(request)?),
            Request::Doctor => Reply::Doctor(doctor::reply()),
            Request::Recent => Reply::Recent(self.asking.recent()),
            Request::Trace(ask) => Reply::Trace(Box::new(self.asking.trace(&ask)?)),
            Request::Model(request) => Reply::Models(Box::new(self.models.handle(request)?)),
            Request::Branch => self.knowledge.branch()?,
            Request::Difference => self.knowledge.difference(),
            Request::Review => self.knowledge.review(),
            Request::Accept(accept) => self.knowledge.accept(&accept)?,
            Request::Documents { .. } => self.knowledge.documents(),
            Request::Clause { id, neighbours, .. } => self.knowledge.clause(id, neighbours)?,
            Request::Sticks => self.import.sticks(),
            Request::Import(request) => self.import.reply(&request, &mut self.knowledge)?,
            other => return Err(Error::new(Code::NotFound, format!("没有准备 {other:?}"), "")),
        })
    }
}

/// How the service presents itself.
pub fn greeting() -> Greeting {
    Greeting {
        guida: "0.1.0".into(),
        protocol: 1,
        pid: 4711,
        instance: "3f".into(),
        you: "operator uid=1000 zhang".into(),
    }
}

/// The machine.
pub fn machine() -> Reading {
    Reading {
        cpu: 0.37,
        cpus: 8,
        memory_used: 9 << 30,
        memory_total: 16 << 30,
        disk_free: 120 << 30,
        disk_total: 240 << 30,
        temperature: Some(61.0),
        service_memory: 6 << 30,
        service_cpu: 1.4,
    }
}
