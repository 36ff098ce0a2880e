//! The knowledge that answers: which it is, whether it is whole, how old it is, and what stands behind it.

use super::SLOW_LIMIT;
use super::findings::{DISK, Finding, Looked, amount, met, say};
use super::subject::{Subject, quoted};
use crate::error::Code;
use crate::import::{chain, manifest_of, to_review, unreviewed, vouched};
use crate::inference::bundled_encoder;
use crate::pack::hex;
use crate::pack::keys::SoftwareVerifier;
use crate::pack::manifest::Raw;
use crate::store::generations::{DataDir, serial_of};
use crate::store::review::questions;
use crate::store::{Knowledge, Quick, quick_check};
use crate::types::Bilingual;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

/// Bytes hashed at a time.
const CHUNK: usize = 1 << 20;
/// Characters of a checksum that are shown.
const SHOWN: usize = 12;

/// What to do about knowledge that cannot be relied on.
fn replace(subject: &Subject) -> Bilingual {
    let backwards = subject.active().is_some_and(|active| {
        let place = |gid: &Option<String>| gid.as_deref().and_then(serial_of);
        active.prev.is_some() && place(&active.prev) < place(&active.active)
    });
    let (rollback, import) = (subject.command("data rollback"), subject.command("import U盘目录"));
    let stick = subject.command("import STICK");
    match backwards {
        true => say(
            format!(
                "插上这个知识包的 U 盘重新导入,就地修好:{import};手上没有 U 盘就先退回前一代:{rollback},再向总行要。{}",
                DISK.0
            ),
            format!(
                "import it again from its stick, which mends it: {stick}; without the stick go back to the previous one: {rollback}, and ask head office for another. {}",
                DISK.1
            ),
        ),
        false => say(
            format!("插上这个知识包的 U 盘重新导入,就地修好:{import};没有 U 盘就向总行要知识包。{}", DISK.0),
            format!(
                "import it again from its stick, which mends it: {stick}; without the stick ask head office for one. {}",
                DISK.1
            ),
        ),
    }
}

pub(super) fn pointer(subject: &Subject) -> Looked {
    let data = subject.folder()?;
    Ok(match subject.pointer()? {
        Ok((active, None)) => match &active.active {
            Some(gid) => Finding::ok(say(format!("{gid},完好"), format!("{gid}, sound"))),
            None => Finding::warn(
                say("还没有导入过知识", "no knowledge has been imported yet"),
                say(
                    format!("插上总行的 U 盘导入:{}", subject.command("import U盘目录")),
                    format!("import from head office's stick: {}", subject.command("import STICK")),
                ),
            ),
        },
        Ok((active, Some(damage))) => {
            let gid = active.active.as_deref().unwrap_or("-");
            Finding::fail(
                say(
                    format!("{},现以最后一份完好的 {gid} 作答,修复前不能导入", damage.message()),
                    format!(
                        "damaged ({}); the last that worked, {gid}, answers, and nothing can be imported",
                        damage.code().as_str()
                    ),
                ),
                say(
                    format!("修复:{};再导入最近的知识包", subject.command("data recover")),
                    format!("mend it: {}; then import the latest pack", subject.command("data recover")),
                ),
            )
        }
        Err(e) if e.code() == Code::ActiveCorrupt => Finding::fail(
            met("the pointer and its last good copy are both damaged: the service cannot start", e),
            say(
                format!(
                    "从备份恢复 {} 和 ACTIVE.bak;没有备份,就换一个空目录重新 guida data init,再导入最新的知识包。坏文件留着,上报总行。{}",
                    quoted(&data.active_file()),
                    DISK.0
                ),
                format!(
                    "restore {} and ACTIVE.bak from the backup; without one, set up an empty folder with guida data init and import the \
                     latest pack. Keep the damaged files and report to head office. {}",
                    quoted(&data.active_file()),
                    DISK.1
                ),
            ),
        ),
        Err(e) => Finding::fail(met("the pointer cannot be read", e), say(DISK.0, DISK.1)),
    })
}

/// What head office signed of a generation's knowledge file.
fn said(data: &DataDir, gid: &str) -> crate::error::Result<Raw> {
    vouched(data, gid, &SoftwareVerifier).map(|signed| signed.knowledge)
}

pub(super) fn file(subject: &Subject) -> Looked {
    let kb = subject.kb()?;
    let knowledge = match Knowledge::open(&kb) {
        Ok(knowledge) => knowledge,
        Err(e) if e.code() == Code::KbSchema => {
            return Ok(Finding::fail(
                met("the knowledge is for another version of the program", &e),
                say(
                    format!("换回与知识配套的程序,或向总行要本版本({})的知识包", env!("CARGO_PKG_VERSION")),
                    format!(
                        "use the program that it was made for, or ask head office for a pack for {}",
                        env!("CARGO_PKG_VERSION")
                    ),
                ),
            ));
        }
        Err(e) => return Ok(Finding::fail(met("the knowledge file cannot be opened", &e), replace(subject))),
    };
    if let (Some(inside), Ok((data, gid))) = (&subject.inside, subject.generation())
        && inside.kb.as_ref() != Some(&data.knowledge(gid))
    {
        let found = match &inside.kb {
            Some(kb) => say(
                format!("服务还在用 {},没有换成 {gid}", kb.display()),
                format!("the service answers from {}, not from {gid}", kb.display()),
            ),
            None => say(
                format!("服务还没有用上 {gid},任何问题都不回答"),
                format!("the service has not taken up {gid} and refuses every question"),
            ),
        };
        return Ok(Finding::warn(
            found,
            say(
                "看日志里没有换成的原因,再重启:sudo systemctl restart guida",
                "read in the log why it was not taken up, then restart: sudo systemctl restart guida",
            ),
        ));
    }
    let (clauses, versions, bytes) = (knowledge.clause_total(), knowledge.versions().len(), amount(subject.kb_bytes()));
    Ok(Finding::ok(say(
        format!("打得开:文档版本 {versions} 个,条款 {clauses} 条,{bytes}"),
        format!("opens: {versions} versions of documents, {clauses} clauses, {bytes}"),
    )))
}

/// SHA-256 of a file, in hex; `Err` has how many bytes were read when the time was over.
fn digest_within(path: &Path, limit: Duration) -> io::Result<Result<String, u64>> {
    let started = Instant::now();
    let (mut file, mut hash, mut buffer, mut done) = (File::open(path)?, Sha256::new(), vec![0; CHUNK], 0u64);
    loop {
        let read = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return Ok(Ok(hex::encode(&hash.finalize())));
        };
        hash.update(bytes);
        done += read as u64;
        if started.elapsed() > limit {
            return Ok(Err(done));
        }
    }
}

pub(super) fn hash(subject: &Subject) -> Looked {
    let (data, gid) = match (subject.generation(), subject.kb()) {
        (Err(_), Ok(kb)) => {
            return Err(Finding::skipped(say(
                format!("{} 没有总行签名的清单,内容是否被改动无从核对;用知识包导入的才核对", quoted(&kb)),
                format!(
                    "{} has no signed manifest: whether it was altered cannot be told; imported packs can",
                    quoted(&kb)
                ),
            )));
        }
        (found, _) => found?,
    };
    if chain(data, &SoftwareVerifier).is_err() {
        return Err(Finding::skipped(say(
            "信任根缺失或损坏,签名无从核对,知识不用来作答;先按“信任根”一项处理",
            "without a sound trust root no signature can be checked and the knowledge is not used: see to the trust root first",
        )));
    }
    let path = data.knowledge(gid);
    let raw = match said(data, gid) {
        Ok(raw) => raw,
        Err(e) => {
            return Ok(Finding::fail(
                met("the signed manifest does not hold, and the knowledge is not used", &e),
                replace(subject),
            ));
        }
    };
    let length = match std::fs::metadata(&path) {
        Ok(found) => found.len(),
        Err(e) => return Ok(Finding::fail(super::findings::refused(&path, &e), replace(subject))),
    };
    if length != raw.size {
        return Ok(Finding::fail(
            say(
                format!("{} 有 {length} 字节,应为 {}", path.display(), raw.size),
                format!("{} has {length} bytes instead of {}", path.display(), raw.size),
            ),
            replace(subject),
        ));
    }
    let shown = |digest: &str| digest.chars().take(SHOWN).collect::<String>();
    Ok(match digest_within(&path, SLOW_LIMIT) {
        Ok(Ok(digest)) if digest == raw.sha256 => Finding::ok(say(
            format!("与清单一致({}…,{})", shown(&digest), amount(length)),
            format!("as the manifest says ({}…, {})", shown(&digest), amount(length)),
        )),
        Ok(Ok(digest)) => Finding::fail(
            say(
                format!("内容变了:校验值 {}…,应为 {}…;条款可能有误,不能再用", shown(&digest), shown(&raw.sha256)),
                format!(
                    "the content has changed: {}… instead of {}…; clauses may be wrong, do not rely on it",
                    shown(&digest),
                    shown(&raw.sha256)
                ),
            ),
            replace(subject),
        ),
        Ok(Err(done)) => Finding::skipped(say(
            format!(
                "{} 秒内只读了 {},没有查完;离线查:sha256sum {},与清单里的 {}… 比较",
                SLOW_LIMIT.as_secs(),
                amount(done),
                quoted(&path),
                shown(&raw.sha256)
            ),
            format!(
                "{} read in {} s, not to its end; compare by hand: sha256sum {} with {}…",
                amount(done),
                SLOW_LIMIT.as_secs(),
                quoted(&path),
                shown(&raw.sha256)
            ),
        )),
        Err(e) => Finding::fail(super::findings::refused(&path, &e), replace(subject)),
    })
}

pub(super) fn sound(subject: &Subject) -> Looked {
    let kb = subject.kb()?;
    let started = Instant::now();
    Ok(match quick_check(&kb, SLOW_LIMIT) {
        Ok(Quick::Sound) => Finding::ok(say(
            format!("快速检查通过,用时 {:.1} 秒", started.elapsed().as_secs_f64()),
            format!("quick check passed in {:.1} s", started.elapsed().as_secs_f64()),
        )),
        Ok(Quick::TooLong) => Finding::skipped(say(
            format!("{} 秒内没有查完;离线查:guida kb check {}", SLOW_LIMIT.as_secs(), quoted(&kb)),
            format!("not done in {} s; look by hand: guida kb check {}", SLOW_LIMIT.as_secs(), quoted(&kb)),
        )),
        Ok(Quick::Damaged(why)) => {
            Finding::fail(say(format!("结构已损坏:{why}"), format!("damaged: {why}")), replace(subject))
        }
        Err(e) => Finding::fail(met("cannot be looked through", &e), replace(subject)),
    })
}

pub(super) fn encoder(subject: &Subject) -> Looked {
    let Ok(knowledge) = Knowledge::open(&subject.kb()?) else {
        return Err(Finding::skipped(say("知识打不开,没有查", "not looked at: the knowledge does not open")));
    };
    let Some(made_by) = knowledge.embedder() else {
        return Ok(Finding::ok(say(
            "知识不带向量,只按文字检索",
            "the knowledge has no vectors: search by words alone",
        )));
    };
    let here = match &subject.inside {
        Some(inside) => inside.encoder.clone(),
        None => bundled_encoder().ok(),
    };
    let Some(here) = here else {
        return Ok(Finding::ok(say("没有载入编码模型,只按文字检索", "no encoder is loaded: search by words alone")));
    };
    if here.sha256 == made_by.sha256 {
        let passages = made_by.passages;
        return Ok(Finding::ok(say(
            format!("一致:{},向量 {passages} 个", here.name),
            format!("they belong together: {}, {passages} vectors", here.name),
        )));
    }
    Ok(Finding::warn(
        say(
            format!("向量由 {} 做成,程序自带的是 {}", made_by.name, here.name),
            format!("the vectors were made by {}, the program brings {}", made_by.name, here.name),
        ),
        say(
            "服务启动时要指明做向量的模型:guida serve --embedder 文件;没有那个文件,加 --no-embedder 只按文字检索,并请总行用本版程序重做知识包",
            "start the service with the encoder that made them: guida serve --embedder FILE; without that file, use --no-embedder (words alone) and \
             ask head office for a pack made with this version",
        ),
    ))
}

pub(super) fn previous(subject: &Subject) -> Looked {
    let (data, _) = subject.generation()?;
    let Some(prev) = subject.active().and_then(|active| active.prev.as_deref()) else {
        return Ok(Finding::ok(say("没有:本机只导入过一次", "none: there was one import only")));
    };
    let path = data.knowledge(prev);
    let sound = Knowledge::open(&path).is_ok();
    let length = std::fs::metadata(&path).map_or(0, |found| found.len());
    if sound && said(data, prev).is_ok_and(|raw| raw.size == length) {
        return Ok(Finding::ok(say(
            format!("{prev},{},可以退回", amount(length)),
            format!("{prev}, {}, can be gone back to", amount(length)),
        )));
    }
    Ok(Finding::warn(
        say(format!("{prev} 缺失或损坏,不能退回"), format!("{prev} is missing or damaged: there is no way back")),
        say(
            format!("现行知识照常使用;导入下一个知识包后又有前一代。{}", DISK.0),
            format!("what answers is not concerned; after the next import there is a previous one again. {}", DISK.1),
        ),
    ))
}

pub(super) fn held(subject: &Subject) -> Looked {
    subject.generation()?;
    Ok(match subject.active().and_then(|active| active.hold) {
        None => Finding::ok(say("没有", "none")),
        Some(serial) => Finding::warn(
            say(
                format!("{serial} 号知识包在本机退回过,不再导入"),
                format!("pack {serial} was taken back here and does not come in again"),
            ),
            say(
                format!("把退回的原因报总行,等更新的知识包;问题已排除就恢复:{}", subject.command("data release")),
                format!(
                    "tell head office why, and wait for a later pack; if there is no trouble any more: {}",
                    subject.command("data release")
                ),
            ),
        ),
    })
}

pub(super) fn freshness(subject: &Subject) -> Looked {
    let (data, gid) = subject.generation()?;
    let manifest = manifest_of(data, gid);
    let moment = |text: Option<&String>| text.and_then(|text| text.parse::<Timestamp>().ok());
    let stale_after = moment(manifest.as_ref().and_then(|m| m.stale_after.as_ref()));
    let issued = moment(manifest.as_ref().map(|m| &m.issued_at));
    let active = subject.active();
    let newer =
        active.and_then(|active| active.announced).filter(|at| serial_of(gid).is_some_and(|serial| *at > serial));
    let passed = active.and_then(|active| active.time_floor).map_or(subject.now, |floor| floor.max(subject.now));
    let remedy = say(
        format!("向总行要最新的 U 盘并导入:{};在此之前照常使用,重要业务另行核对", subject.command("import U盘目录")),
        format!(
            "get the latest stick from head office and import it: {}; until then go on, and check what matters elsewhere",
            subject.command("import STICK")
        ),
    );
    let day = |at: Timestamp| crate::clock::day_of(at).to_string();
    if let Some(newer) = newer {
        return Ok(Finding::warn(
            say(
                format!("总行已公告更新的 {newer} 号知识包"),
                format!("head office has announced a later pack, {newer}"),
            ),
            remedy,
        ));
    }
    if let Some(after) = stale_after.filter(|after| *after <= passed) {
        return Ok(Finding::warn(
            say(format!("有效期到 {} 为止,已过", day(after)), format!("was good until {}", day(after))),
            remedy,
        ));
    }
    let issued = issued.map_or_else(|| "-".to_owned(), day);
    Ok(Finding::ok(match stale_after {
        Some(after) => say(
            format!("{issued} 签发,有效期到 {}", day(after)),
            format!("issued on {issued}, good until {}", day(after)),
        ),
        None => say(format!("{issued} 签发,没有规定有效期"), format!("issued on {issued}, without an end")),
    }))
}

pub(super) fn reviews(subject: &Subject) -> Looked {
    let (data, gid) = subject.generation()?;
    let read = to_review(data, gid).and_then(|listed| match (listed.is_empty(), subject.journal()) {
        (false, Ok(Ok(journal))) => unreviewed(listed, journal),
        // Without a journal nobody has looked at any.
        _ => Ok(listed),
    });
    Ok(match read {
        Ok(open) if open.is_empty() => Finding::ok(say("没有", "none")),
        Ok(open) => Finding::warn(
            say(
                format!("{} 个既定问法的条款已变,复核前只按检索作答", questions(&open)),
                format!(
                    "the clauses of {} curated questions have changed: until reviewed they settle no answer",
                    questions(&open)
                ),
            ),
            say(
                format!("请业务管理人员复核:{}", subject.command("data review")),
                format!("have the business side review them: {}", subject.command("data review")),
            ),
        ),
        Err(e) => Finding::warn(
            met("the list of questions to review cannot be read", &e),
            say("导入下一个知识包时会重新生成", "the next import makes it anew"),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashing_ends_with_the_file_or_the_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        std::fs::write(&path, vec![7; CHUNK + 5]).unwrap();
        let whole = digest_within(&path, Duration::from_secs(60)).unwrap();
        assert_eq!(whole, Ok(hex::sha256(&vec![7; CHUNK + 5])));
        assert_eq!(digest_within(&path, Duration::ZERO).unwrap(), Err(CHUNK as u64));
        assert!(digest_within(&folder.path().join("none"), Duration::ZERO).is_err());
    }
}
