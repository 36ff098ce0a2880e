//! A stick, and an import that goes on with every look at it.

use super::knowledge::{Knowledge, NEW, OLD, diff, suspended};
use guida::engine::importing::{ImportReply, ImportRequest, ImportState, Step, StepId, StepState};
use guida::engine::reply::{ErrorBody, Reply, SticksReply};
use guida::error::{Code, Error, Result};
use guida::types::Bilingual;
use serde_json::json;

pub const GID: &str = "1-9-c7715e0a2b3f";

/// How far it is.
#[derive(Default, Clone, Copy, PartialEq, Eq, Debug)]
pub enum At {
    #[default]
    Idle,
    Copying,
    Unpacking,
    Waiting,
    Switching,
    Done,
    Failed,
    Cancelled,
    Already,
    Turning,
    Turned,
}

#[derive(Default)]
pub struct Import {
    pub at: At,
    /// It stays where it is.
    pub stays: bool,
    /// There are no sticks.
    pub no_sticks: bool,
    /// The pack is bad.
    pub bad: bool,
    /// The pack is in use.
    pub known: bool,
    /// The pack is in use, and its file is damaged.
    pub damaged: bool,
    /// Another console is at it.
    pub busy: bool,
}

impl Import {
    pub fn sticks(&self) -> Reply {
        let searched = json!(["/run/media", "/media", "/mnt"]);
        let sticks = if self.no_sticks {
            json!([])
        } else {
            let pack = |name: &str, at: &str, bytes: u64, gid: &str, in_use: bool| json!({"name": name, "issued_at": at, "bytes": bytes, "in_use": in_use, "gid": gid, "problem": null});
            json!([
                {"path": "/media/guida/总行知识", "label": "总行知识", "read_only": false, "problem": null, "packs": [
                    pack("1-9", "2026-11-20T02:00:00Z", 9_646_899, GID, false),
                    pack("1-8", "2026-11-01T02:00:00Z", 48_234_496, NEW, true),
                ]},
                {"path": "/media/guida/KINGSTON", "label": "KINGSTON", "read_only": false, "packs": [], "problem":
                    {"code": "IO", "message": "读不出 /media/guida/KINGSTON:输入输出错误", "hint": "重新插一次;仍然这样就换一个 U 盘"}},
            ])
        };
        Reply::Sticks(serde_json::from_value::<SticksReply>(json!({"sticks": sticks, "searched": searched})).unwrap())
    }

    pub fn reply(&mut self, request: &ImportRequest, knowledge: &mut Knowledge) -> Result<Reply> {
        match (request, self.at) {
            (ImportRequest::State, _) => self.go_on(knowledge),
            (_, _) if self.busy => {
                return Err(Error::new(Code::ImportBusy, "另一个导入或切换正在进行", "等它结束后重试"));
            }
            (ImportRequest::Begin { .. }, _) => self.at = At::Copying,
            (ImportRequest::Rollback { .. } | ImportRequest::Release { .. }, _) => {
                self.at = At::Turning;
            }
            (ImportRequest::Confirm { .. }, At::Waiting) => self.at = At::Switching,
            (ImportRequest::Cancel, At::Waiting) => self.at = At::Idle,
            (ImportRequest::Cancel, At::Copying | At::Unpacking) => self.at = At::Cancelled,
            _ => return Err(Error::new(Code::ImportState, "现在没有等待确认的导入", "先读取 U 盘")),
        }
        Ok(Reply::Import(Box::new(self.told(knowledge))))
    }

    fn go_on(&mut self, knowledge: &mut Knowledge) {
        if self.stays {
            return;
        }
        self.at = match self.at {
            At::Copying if self.bad => At::Failed,
            At::Copying if self.known => At::Already,
            At::Copying | At::Unpacking => At::Waiting,
            At::Switching => At::Done,
            At::Turning => {
                knowledge.back = !knowledge.back;
                At::Turned
            }
            other => other,
        };
    }

    fn told(&self, knowledge: &Knowledge) -> ImportReply {
        let working = |phase: &str, done: u64, eta: Option<u64>, safe: bool| {
            json!({"state": "working", "progress":
                {"phase": phase, "done": done, "total": 31_457_280, "eta_s": eta, "safe_to_remove": safe}})
        };
        let error =
            |code, what, todo| json!({"state": "failed", "error": ErrorBody::from(&Error::new(code, what, todo))});
        let serial = json!({"epoch": 1, "seq": 9});
        let answers = if knowledge.back { OLD } else { NEW };
        let state = match self.at {
            At::Idle => json!({"state": "idle"}),
            At::Copying => working("copying", 6_291_456, Some(75), false),
            At::Unpacking => working("unpacking", 18_874_368, Some(31), true),
            At::Waiting if self.damaged => json!({"state": "waiting", "preview": {
                "gid": NEW, "serial": {"epoch": 1, "seq": 8}, "issued_at": "2026-11-01T02:00:00Z", "spoken_code": "1-8-7QFM",
                "changelog": [], "knowledge": "3fa8c21d90be0000", "copied_bytes": 48_234_496, "delta": false, "diff": null,
                "suspended": [], "models": [], "repairs": true, "stale": false, "newer_announced": null,
            }}),
            At::Waiting => json!({"state": "waiting", "preview": {
                "gid": GID, "serial": serial, "issued_at": "2026-11-20T02:00:00Z", "spoken_code": "1-9-K3WR",
                "changelog": ["《挂失业务操作规程》第二条:补领期限由五日改为七日", "新增《大额现金管理办法》\u{ff0c}2027 年 1 月 1 日起施行"],
                "knowledge": "c7715e0a2b3f0000", "copied_bytes": 9_646_899, "delta": true, "diff": diff(),
                "suspended": [suspended()], "models": ["qwen3-1.7b-q4"], "stale": false, "newer_announced": {"epoch": 1, "seq": 10},
            }}),
            At::Switching => json!({"state": "working", "progress":
                {"phase": "switching", "done": 0, "total": 0, "eta_s": null, "safe_to_remove": false}}),
            At::Turning => json!({"state": "working", "progress":
                {"phase": "reading", "done": 0, "total": 0, "eta_s": null, "safe_to_remove": true}}),
            At::Done => json!({"state": "done", "committed":
                {"gid": GID, "serial": serial, "previous": NEW, "receipt_on_stick": true, "suspended": 1}}),
            At::Turned => json!({"state": "turned", "returned":
                {"gid": answers, "hold": if knowledge.back { json!({"epoch": 1, "seq": 8}) } else { json!(null) }}}),
            At::Already => json!({"state": "already", "serial": {"epoch": 1, "seq": 8}}),
            At::Failed => error(
                Code::PackHash,
                "分卷 knowledge.delta.02 的 SHA-256 与清单不符",
                "U 盘可能损坏:重新插一次再试;仍然这样就向总行要新的 U 盘",
            ),
            At::Cancelled => error(Code::Cancelled, "导入已取消", "已读入的部分留在本机,下次接着导入"),
        };
        let turning = matches!(self.at, At::Turning | At::Turned);
        ImportReply {
            state: serde_json::from_value::<ImportState>(state).unwrap(),
            steps: steps(self.at),
            source: (!turning && self.at != At::Idle).then(|| "/media/guida/总行知识".into()),
            safe_to_remove: !matches!(self.at, At::Copying | At::Switching),
        }
    }
}

type Found = (StepId, &'static str, &'static str);

const CHECKS: [Found; 17] = [
    (StepId::Home, "LZB 网点 0312-城关支行,现行知识 1-8", "LZB, branch 0312, in use: 1-8"),
    (StepId::Stick, "知识包 1-9、1-8", "packs 1-9, 1-8"),
    (StepId::Root, "第 3 版", "version 3"),
    (StepId::Beacon, "总行最新 1-10", "latest: 1-10"),
    (StepId::Signatures, "2/3 人签名,要 2 人", "2 of 3 signed, 2 needed"),
    (StepId::Audience, "发给 0312", "for 0312"),
    (StepId::Program, "要 0.1.0 以上", "needs 0.1.0"),
    (StepId::Order, "1-9 比 1-8 新", "1-9 is later than 1-8"),
    (StepId::Plan, "用差异文件,9.2 MiB", "the difference, 9.2 MiB"),
    (StepId::Room, "要 120.0 MiB,有 118784.0 MiB", "needs 120.0 MiB, 118784.0 MiB free"),
    (StepId::Copy, "2/3 分卷", "2 of 3 parts"),
    (StepId::Unpack, "3 个文件,哈希一致", "3 files, hashes agree"),
    (StepId::Schema, "第 4 版", "version 4"),
    (StepId::Database, "完好,1,172 条", "sound, 1,172 clauses"),
    (StepId::Vectors, "1,280 个,编码模型一致", "1,280, the same encoder"),
    (StepId::Golden, "40/40 答对", "40 of 40 right"),
    (StepId::Compare, "修改 2,新增 20,删除 1", "2 changed, 20 added, 1 withdrawn"),
];

fn steps(at: At) -> Vec<Step> {
    let step =
        |(id, zh, en): Found, state| Step { id, title: id.title(), found: Bilingual::new(zh, en), state, error: None };
    let until = |last: StepId, state: StepState| {
        let end = CHECKS.iter().position(|(id, ..)| *id == last).unwrap();
        let with = |(n, found): (usize, &Found)| step(*found, if n == end { state } else { StepState::Ok });
        CHECKS[..=end].iter().enumerate().map(with).collect::<Vec<Step>>()
    };
    let switched = [
        step((StepId::Switch, "现行 1-9", "in use: 1-9"), StepState::Ok),
        step((StepId::SelfTest, "检验问题 40/40 答对,已用它作答", "golden questions 40 of 40 right"), StepState::Ok),
        step((StepId::Receipt, "已写到 U 盘,请带回总行", "on the stick, for head office"), StepState::Ok),
    ];
    match at {
        At::Idle => Vec::new(),
        At::Copying => until(StepId::Copy, StepState::Running),
        At::Cancelled => until(StepId::Copy, StepState::Failed),
        At::Failed => {
            let mut all = until(StepId::Copy, StepState::Failed);
            if let Some(last) = all.last_mut() {
                last.found = Bilingual::new("分卷 knowledge.delta.02 的 SHA-256 与清单不符", "a hash differs");
            }
            all
        }
        At::Unpacking => until(StepId::Unpack, StepState::Running),
        At::Waiting => until(StepId::Compare, StepState::Ok),
        At::Already => until(StepId::Order, StepState::Ok),
        At::Switching => {
            let mut all = until(StepId::Compare, StepState::Ok);
            all.push(step((StepId::Switch, "", ""), StepState::Running));
            all
        }
        At::Done => {
            let mut all = until(StepId::Compare, StepState::Ok);
            all.extend(switched);
            all
        }
        At::Turning | At::Turned => {
            let last = if at == At::Turned { StepState::Ok } else { StepState::Running };
            vec![
                step((StepId::Home, "现行知识 1-8", "in use: 1-8"), StepState::Ok),
                step((StepId::Earlier, "退回到 1-7", "back to 1-7"), StepState::Ok),
                step((StepId::Readable, "条款 1141 条", "1141 clauses"), StepState::Ok),
                step((StepId::Switch, "现行 1-7", "in use: 1-7"), last),
            ]
        }
    }
}
