//! `guida pack …`: head office's keys, trust roots and packs. Every command says what it did and what comes next.

use super::args::{
    AlgArg, PackBuildArgs, PackCommand, Requirement, RoleFile, RootArgs, RotateArgs, SignArgs, VerifyArgs,
};
use super::output::{print, print_json};
use super::passphrase;
use crate::engine::importing::Encoder;
use crate::engine::office::{
    self, Alg, BuildPlan, Change, Contents, FirstRoot, ROLES, RehearsalPlan, Report, Requirements, RoleKey, RootMade,
    Signer, Standing, Step, Subject, ToSign, Wanting,
};
use crate::error::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

/// Bytes of a mebibyte.
const MIB: f64 = (1u64 << 20) as f64;
/// How often the mark of a running step turns.
const TICK: Duration = Duration::from_millis(120);
/// Digits of a key's id that are shown.
const ID_DIGITS: usize = 12;

/// Runs one of the commands but `build`, for which the caller has an encoder.
///
/// # Errors
/// Those of the operation.
pub fn run(command: &PackCommand) -> Result<()> {
    match command {
        PackCommand::Keygen { out, holder, alg, passphrase, json } => {
            let alg = match alg {
                AlgArg::Ed25519 => Alg::Ed25519,
                AlgArg::Sm2 => Alg::Sm2,
            };
            let chosen = passphrase::choose(passphrase, &format!("为 {holder} 的密钥设一个口令"))?;
            let key = office::keygen(out, alg, holder, &chosen)?;
            if *json {
                return print_json(&key);
            }
            let out = out.display();
            print(&format!(
                "已生成 {} 密钥,持有人 {holder}\n编号 {}\n私钥 {out}.key 由本人保管并备份,口令忘了无法找回\n\
                 下一步:把公钥 {out}.pub 交给制作信任根的人\n",
                key.key.alg, key.id
            ))
        }
        PackCommand::Root(args) => root(args),
        PackCommand::Rotate(args) => rotate(args),
        PackCommand::Build(args) => build(args, None),
        PackCommand::Sign(args) => sign(args),
        PackCommand::Beacon { folder, seq, json } => {
            let made = office::beacon(folder, *seq)?;
            if *json {
                return print_json(&made);
            }
            let next = match made.signatures.complete {
                true => verify_next(folder),
                false => sign_next(&made.path),
            };
            print(&format!(
                "信标指向第 {} 号知识包(纪元 {}),核对码 {}\n{}{next}",
                made.beacon.seq,
                made.beacon.epoch,
                made.spoken,
                standing_text(&made.signatures)
            ))
        }
        PackCommand::Inspect { folder, devices, json } => {
            let contents = office::inspect(folder, devices.as_deref())?;
            if *json { print_json(&contents) } else { print(&contents_text(&contents)) }
        }
        PackCommand::Verify(args) => verify(args),
    }
}

fn root(args: &RootArgs) -> Result<()> {
    let plan = FirstRoot {
        bank_id: args.bank.clone(),
        keys: keys(&args.keys)?,
        require: requirements(&args.require),
        recipients: args.recipients.clone(),
    };
    told(&office::create_root(&args.folder, &plan)?, args.json)
}

fn rotate(args: &RotateArgs) -> Result<()> {
    let change = Change {
        add: keys(&args.add)?,
        remove: args.remove.clone(),
        revoke: args.revoke.clone(),
        require: requirements(&args.require),
        new_epoch: args.new_epoch,
        recipients: args.recipients.clone(),
    };
    told(&office::rotate(&args.folder, &change)?, args.json)
}

fn keys(files: &[RoleFile]) -> Result<Vec<RoleKey>> {
    files.iter().map(|f| Ok(RoleKey { role: f.role.clone(), key: office::public_key(&f.file)? })).collect()
}

fn requirements(asked: &[Requirement]) -> Requirements {
    asked.iter().map(|r| (r.role.clone(), r.counts.clone())).collect()
}

fn told(made: &RootMade, json: bool) -> Result<()> {
    if json {
        return print_json(made);
    }
    let mut text =
        format!("已写入第 {} 版信任根(纪元 {}){}\n", made.root.version, made.root.epoch, made.path.display());
    text += &policy_text(&made.root);
    let _ = writeln!(text, "指纹 {}", made.fingerprint);
    text += &standing_text(&made.signatures);
    text += &sign_next(&made.path);
    if made.root.version == 1 {
        text += "签齐后把指纹用另外的途径(公文、电话)告知各网点,网点初始化时核对\n";
    }
    print(&text)
}

/// A role in words, with the word that the command line takes.
fn role_name(role: &str) -> String {
    let words = match role {
        "root" => "信任根",
        "publish" => "知识包",
        _ => "信标",
    };
    format!("{words}({role})")
}

/// Who may do what.
fn policy_text(root: &office::Root) -> String {
    let mut text = String::new();
    for (role, policy) in ROLES.iter().filter_map(|role| root.roles.get_key_value(*role)) {
        let holders: Vec<String> = policy
            .keyids
            .iter()
            .filter_map(|id| root.keys.get(id).map(|key| format!("{}({} {id:.ID_DIGITS$})", key.holder, key.alg)))
            .collect();
        let counts: Vec<String> = policy.require.iter().map(|(alg, count)| format!("{alg} {count} 个")).collect();
        let _ = writeln!(text, "  {}:要 {};可由 {} 签", role_name(role), counts.join("、"), holders.join("、"));
    }
    for id in &root.revoked {
        let _ = writeln!(text, "  已吊销:{id:.ID_DIGITS$}");
    }
    text
}

/// Builds a pack; golden questions are asked with `encoder`.
///
/// # Errors
/// Those of building.
pub fn build(args: &PackBuildArgs, encoder: Encoder) -> Result<()> {
    let plan = BuildPlan {
        folder: &args.folder,
        kb: &args.kb,
        models: &args.model,
        golden: args.golden.as_deref(),
        previous: &args.previous,
        deltas: usize::from(args.deltas),
        audience: &args.audience,
        channel: &args.channel,
        seq: args.seq,
        min_seq: args.min_seq,
        stale_days: args.stale_days,
        app_min: args.app_min.as_deref(),
        app_max: args.app_max.as_deref(),
        changelog: &args.changelog,
        part_bytes: args.part_size.0,
        level: args.level,
        work: args.work.as_deref(),
    };
    let bar = spinner();
    let built = office::build(&plan, encoder, &mut |step, role| {
        let doing = match step {
            Step::Hashing => "计算校验值",
            Step::Full => "压缩",
            Step::Patch => "做差分",
            Step::Checking => "读回检验",
        };
        bar.set_message(format!("{doing} {role}"));
    });
    bar.finish_and_clear();
    let report = built?;
    if args.json { print_json(&report) } else { print(&report_text(&report)) }
}

fn report_text(report: &Report) -> String {
    let Report { serial, totals, .. } = report;
    let mut text = format!("已制作第 {} 号知识包(纪元 {}),核对码 {}\n", serial.seq, serial.epoch, report.spoken);
    let _ = writeln!(text, "清单 {}", report.manifest.display());
    let _ = writeln!(text, "清单 SHA-256 {}", report.manifest_sha256);
    let delta = report.delta_bytes.map_or_else(
        || "没有差分".to_owned(),
        |bytes| format!("差分 {}({:.1}%)", size(bytes), 100.0 * bytes as f64 / report.full_bytes.max(1) as f64),
    );
    let _ = writeln!(
        text,
        "文档 {} 份、条款 {} 条、问法 {} 条;原文件 {},完整包 {},{delta}",
        totals.documents,
        totals.clauses,
        totals.curated,
        size(report.raw_bytes),
        size(report.full_bytes)
    );
    if report.golden > 0 {
        let _ = writeln!(text, "{} 个检验问题全部答对", report.golden);
    }
    report.notes.iter().for_each(|note| text += &format!("注意:{note}\n"));
    text + &standing_text(&report.signatures) + &sign_next(&report.manifest)
}

fn sign(args: &SignArgs) -> Result<()> {
    let to_sign = office::to_sign(&args.target, args.root.as_deref())?;
    if !args.json {
        print(&subject_text(&to_sign))?;
    }
    let done = match &args.key {
        None => format!("合并了 {} 个新签名\n", office::merge(&to_sign, &args.merge)?),
        Some(path) => {
            let typed = passphrase::ask(&args.passphrase, &format!("{} 的口令", path.display()))?;
            let holder = office::sign(&to_sign, path, &typed)?;
            format!("{holder} 已签,签名在 {}.sig\n", to_sign.path().display())
        }
    };
    let standing = to_sign.standing()?;
    if args.json {
        return print_json(&json!({ "path": to_sign.path(), "signatures": standing }));
    }
    let next = match (&to_sign.subject, to_sign.policy_known(), standing.complete) {
        (_, false, _) => {
            "这里没有信任根,没有核对这把密钥是否有权\n下一步:把 .sig 文件带回,用 guida pack sign 文件 --merge 文件.sig 合并\n".into()
        }
        (_, true, false) => standing_text(&standing) + &sign_next(to_sign.path()),
        (Subject::Root(_), true, true) => standing_text(&standing) + "下一步:用 guida pack build 制作知识包\n",
        (Subject::Pack(_), true, true) => {
            standing_text(&standing) + "下一步:用 guida pack beacon 公布它,再签 kbpack/beacon.json\n"
        }
        (Subject::Beacon(_), true, true) => standing_text(&standing) + "下一步:用 guida pack verify 检查后发给网点\n",
    };
    print(&(done + &next))
}

/// What a person is about to put their name under.
fn subject_text(to_sign: &ToSign) -> String {
    let mut text = format!("要签的文件 {}\nSHA-256 {}\n", to_sign.path().display(), office::sha256(to_sign.bytes()));
    match &to_sign.subject {
        Subject::Root(root) => {
            let _ = writeln!(text, "{}的第 {} 版信任根(纪元 {})", root.bank_id, root.version, root.epoch);
            text += &policy_text(root);
        }
        Subject::Pack(pack) => {
            let _ = writeln!(
                text,
                "{}的第 {} 号知识包(纪元 {}),发给 {},通道 {}:文档 {} 份、条款 {} 条、问法 {} 条",
                pack.bank_id,
                pack.seq,
                pack.epoch,
                pack.audience.join("、"),
                pack.channel,
                pack.totals.documents,
                pack.totals.clauses,
                pack.totals.curated
            );
            pack.changelog.iter().for_each(|line| text += &format!("  - {line}\n"));
        }
        Subject::Beacon(beacon) => {
            let _ = writeln!(text, "{}的信标:最新是第 {} 号(纪元 {})", beacon.bank_id, beacon.seq, beacon.epoch);
        }
    }
    text
}

fn verify(args: &VerifyArgs) -> Result<()> {
    let plan = RehearsalPlan {
        fingerprint: args.fingerprint.as_deref(),
        root: args.root.as_deref(),
        branch: args.branch.as_deref(),
        channel: args.channel.as_deref(),
        seq: args.seq,
        bases: &args.base,
        work: args.work.as_deref(),
    };
    let bar = spinner();
    let rehearsed = office::rehearse(&args.folder, &plan, &mut |role| bar.set_message(format!("检查 {role}")));
    bar.finish_and_clear();
    let done = rehearsed?;
    if args.json {
        return print_json(&done);
    }
    let branch = if done.branch.is_empty() { "任一网点".to_owned() } else { format!("网点 {}", done.branch) };
    let mut text = format!(
        "可以导入:第 {} 号知识包(纪元 {}),核对码 {}\n信任根第 {} 版,以{branch}的身份检查\n",
        done.serial.seq, done.serial.epoch, done.spoken, done.root_version
    );
    for file in &done.files {
        for source in &file.sources {
            let (kind, outcome) = match (source.kind, source.decoded) {
                ("full", _) => ("完整", "已解开,校验值相符"),
                (_, true) => ("差分", "已解开,校验值相符"),
                (_, false) => ("差分", "分卷完好;没有旧文件,没有解开(用 --base 给出)"),
            };
            let _ = writeln!(text, "  {} {kind} {}:{outcome}", file.role, size(source.size));
        }
    }
    if done.beacon != done.serial {
        let _ = writeln!(text, "注意:信标指向第 {} 号,不是这一号", done.beacon.seq);
    }
    print(&(text + "下一步:把 kbpack 文件夹拷到 U 盘根目录,发给网点\n"))
}

fn contents_text(contents: &Contents) -> String {
    let mut text = String::new();
    for summary in &contents.roots {
        let root = &summary.root;
        let _ = writeln!(text, "信任根第 {} 版({},纪元 {},{})", root.version, root.bank_id, root.epoch, root.issued_at);
        let _ = writeln!(text, "  指纹 {}", summary.fingerprint);
        text += &policy_text(root);
        text += &format!("  {}", standing_text(&summary.signatures));
    }
    for pack in &contents.packs {
        let to = pack.audience.join("、");
        let _ = writeln!(
            text,
            "知识包第 {} 号(纪元 {},{},发给 {to},通道 {}),核对码 {}",
            pack.serial.seq, pack.serial.epoch, pack.issued_at, pack.channel, pack.spoken
        );
        let totals = &pack.totals;
        let _ = writeln!(
            text,
            "  文档 {} 份、条款 {} 条、问法 {} 条,检验问题 {} 个",
            totals.documents, totals.clauses, totals.curated, pack.golden
        );
        for file in &pack.files {
            let ways = file.sources.iter().map(|source| {
                let kind = if source.kind == "full" { "完整" } else { "差分" };
                let missing = if source.present { "" } else { ",缺分卷" };
                format!("{kind} {}({} 卷{missing})", size(source.size), source.parts)
            });
            let _ = writeln!(text, "  {} {}:{}", file.role, size(file.size), ways.collect::<Vec<_>>().join("、"));
        }
        pack.changelog.iter().for_each(|line| text += &format!("  - {line}\n"));
        text += &format!("  {}", standing_text(&pack.signatures));
    }
    match &contents.beacon {
        Some(said) => {
            let _ = writeln!(
                text,
                "信标指向第 {} 号(纪元 {},{})",
                said.beacon.seq, said.beacon.epoch, said.beacon.issued_at
            );
            text += &format!("  {}", standing_text(&said.signatures));
        }
        None => text += "没有信标\n",
    }
    for receipt in &contents.receipts {
        text += &receipt_text(receipt);
    }
    text
}

fn receipt_text(summary: &office::ReceiptSummary) -> String {
    let Some(receipt) = &summary.receipt else {
        let fault = summary.fault.as_deref().unwrap_or_default();
        return format!("网点 {} 的回执不可信:{fault}\n", summary.branch);
    };
    let trust = match summary.state {
        "verified" => "签名相符",
        _ => "设备未登记,不能证明是该网点(用 --devices 给出公钥)",
    };
    let spoken = summary.spoken.as_ref().map(|code| format!(",核对码 {code}")).unwrap_or_default();
    format!(
        "网点 {}:正在使用第 {} 号(纪元 {}){spoken},信任根第 {} 版,程序 {},空闲 {},时钟 {}(偏差 {} 秒);{trust}\n",
        summary.branch,
        receipt.seq,
        receipt.epoch,
        receipt.root_version,
        receipt.app_version,
        size(receipt.free_bytes),
        receipt.clock,
        receipt.clock_offset_s
    )
}

fn standing_text(standing: &Standing) -> String {
    let named = |signers: &[Signer]| -> String {
        let names: Vec<String> = signers.iter().map(|s| format!("{}({})", s.holder, s.alg)).collect();
        names.join("、")
    };
    let mut text = match standing.signed.as_slice() {
        [] => "还没有签名".to_owned(),
        signed => format!("已签 {} 个:{}", signed.len(), named(signed)),
    };
    if standing.worthless > 0 {
        let _ = write!(text, ";另有 {} 个无效签名", standing.worthless);
    }
    for Wanting { root_version, missing, candidates } in &standing.wanting {
        let total: u32 = missing.values().sum();
        let by_alg: Vec<String> = missing.iter().map(|(alg, count)| format!("{alg} {count} 个")).collect();
        let _ = write!(
            text,
            ";按第 {root_version} 版信任根还差 {total} 个签名:{},可由 {} 签",
            by_alg.join("、"),
            named(candidates)
        );
    }
    if standing.complete {
        text += ";已签齐";
    }
    text + "\n"
}

fn sign_next(path: &Path) -> String {
    format!("下一步:guida pack sign {} --key 密钥.key\n", path.display())
}

fn verify_next(folder: &Path) -> String {
    format!("下一步:guida pack verify {} --fingerprint 指纹\n", folder.display())
}

fn size(bytes: u64) -> String {
    let mebibytes = bytes as f64 / MIB;
    if mebibytes < 1.0 { format!("{:.1} KiB", mebibytes * 1024.0) } else { format!("{mebibytes:.2} MiB") }
}

/// A turning mark on standard error, silent when that is no terminal.
fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(TICK);
    bar
}
