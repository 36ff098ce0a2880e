//! Who the box is, whom it trusts, and by which key it signs.

use super::findings::{Finding, Looked, met, say};
use super::subject::Subject;
use crate::error::Code;
use crate::import::Home;
use crate::pack::keys::SoftwareVerifier;

/// Characters of a fingerprint that are shown.
const SHOWN: usize = 16;

/// A finding of who may not read what only the service's user reads.
fn for_strangers(subject: &Subject) -> Finding {
    Finding::skipped(say(
        format!("当前用户读不到密钥,没有查;以服务的用户再查:{}", subject.command("doctor")),
        format!("not looked at: this user may not read the keys; look again with {}", subject.command("doctor")),
    ))
}

pub(super) fn trust_root(subject: &Subject) -> Looked {
    let data = subject.folder()?;
    if !data.branch_file().exists() {
        return Err(Finding::skipped(say("数据目录没有建立,没有查", "not looked at: the data folder is not set up")));
    }
    if subject.is_stranger() {
        return Err(for_strangers(subject));
    }
    let restore = say(
        "从备份恢复数据目录里的 branch.json 和 keys/root/;没有备份,就换一个空目录重新 guida data init(信任根的指纹向总行核实),再导入最新的知识包",
        "restore branch.json and keys/root/ of the data folder from the backup; without one, set up an empty folder with guida data init (let \
         head office confirm the fingerprint), and import the latest pack",
    );
    let home = match Home::open(data, &SoftwareVerifier) {
        Ok(home) => home,
        Err(e) if e.code() == Code::DataFolder => return Ok(Finding::fail(met("branch.json is damaged", &e), restore)),
        Err(e) => return Ok(Finding::fail(met("no trust root holds: nothing can be imported", &e), restore)),
    };
    let root = home.root.root();
    let known = subject.active().map_or(0, |active| active.root_ver);
    if known > root.version {
        return Ok(Finding::fail(
            say(
                format!("只有第 {} 版,而现行知识是按第 {known} 版核对的:少了文件", root.version),
                format!(
                    "version {} is here, but the knowledge was verified by version {known}: files are missing",
                    root.version
                ),
            ),
            restore,
        ));
    }
    let fingerprint: String = home.root.fingerprint().chars().take(SHOWN).collect();
    let issued = root.issued_at.split('T').next().unwrap_or_default().to_owned();
    let (bank, branch, version) = (&root.bank_id, &home.branch.branch, root.version);
    Ok(Finding::ok(say(
        format!("{bank} 网点 {branch};第 {version} 版,{issued} 签发,没有有效期,指纹 {fingerprint}…"),
        format!(
            "{bank}, branch {branch}; version {version} of {issued}, which does not expire, fingerprint {fingerprint}…"
        ),
    )))
}

pub(super) fn device_key(subject: &Subject) -> Looked {
    let data = subject.folder()?;
    if !data.branch_file().exists() {
        return Err(Finding::skipped(say("数据目录没有建立,没有查", "not looked at: the data folder is not set up")));
    }
    if subject.is_stranger() {
        return Err(for_strangers(subject));
    }
    Ok(match Home::device_key(data) {
        Ok(key) => {
            let public: String = key.public().to_root_key("").public.chars().take(SHOWN).collect();
            Finding::ok(say(format!("可用,公钥 {public}…"), format!("can be used, public key {public}…")))
        }
        Err(e) => Finding::fail(
            met("the key by which receipts are signed cannot be read: imports will fail", &e),
            say(
                "从备份恢复数据目录里的 keys/device.key;没有备份,就换一个空目录重新 guida data init,把新的设备公钥报总行登记,再导入最新的知识包",
                "restore keys/device.key of the data folder from the backup; without one, set up an empty folder with guida data init, report \
                 its new device key to head office, and import the latest pack",
            ),
        ),
    })
}
