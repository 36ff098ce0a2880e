//! Whether the next start of the service would take its settings, and whether the running one has.

use super::findings::{Finding, Looked, say};
use super::subject::{Subject, quoted};
use crate::engine::reply::SettingsReply;
use std::io::ErrorKind;
use std::path::Path;

pub(super) fn file(subject: &Subject) -> Looked {
    if subject.inside.is_none() {
        subject.folder()?;
    }
    let reply = subject.settings().list();
    let Some(file) = &reply.file else {
        return Err(Finding::skipped(say("服务没有使用设置文件", "the service was started without a settings file")));
    };
    let denied = std::fs::File::open(file).err().is_some_and(|e| e.kind() == ErrorKind::PermissionDenied);
    if denied && subject.is_stranger() {
        return Err(Finding::skipped(say("当前用户读不了设置文件,没有查", "not looked at: this user may not read it")));
    }
    Ok(judged(subject, &reply, Path::new(file)))
}

fn judged(subject: &Subject, reply: &SettingsReply, file: &Path) -> Finding {
    let name = file.display();
    if let Some(problem) = &reply.problem {
        let list = subject.command("settings");
        return Finding::fail(
            say(
                format!("服务下次会起不来:{}", problem.message),
                format!("the service would not start with it: {} ({})", problem.message, problem.code),
            ),
            say(
                format!("{};改好后再查一次:{list}", problem.hint),
                format!("mend the lines that are named, or move {} away, and look again: {list}", quoted(file)),
            ),
        );
    }
    let pending: Vec<&str> = reply.rows.iter().filter(|row| row.pending).map(|row| row.key.as_str()).collect();
    if !pending.is_empty() {
        let keys = pending.join(", ");
        return Finding::warn(
            say(format!("改过但还没有生效:{keys}"), format!("changed, and not in effect yet: {keys}")),
            say(
                "人少时重启服务:sudo systemctl restart guida",
                "restart the service when few people ask: sudo systemctl restart guida",
            ),
        );
    }
    let named = reply.rows.iter().filter(|row| row.in_file.is_some()).count();
    Finding::ok(match file.exists() {
        true => {
            say(format!("{name} 里写了 {named} 项,都对"), format!("{name} names {named} settings, all of them right"))
        }
        false => say(format!("没有 {name},全部用默认值"), format!("there is no {name}: the defaults count")),
    })
}

#[cfg(test)]
mod tests {
    use super::super::CheckState;
    use super::*;
    use std::fs;

    fn found(data: &Path) -> super::super::Check {
        let spec = super::super::Spec("settings_file", "", "", file);
        Finding::of(file(&Subject::outside(data, data, None))).told(&spec)
    }

    #[test]
    fn a_file_with_a_fault_is_told_with_its_line() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(found(data.path()).state, CheckState::Ok);
        let file = data.path().join("guida.toml");
        fs::write(&file, "[http]\nlisten = \"0.0.0.0:80\"\nworkers = 12\n").unwrap();
        let one = found(data.path());
        assert!(one.state == CheckState::Ok && one.found.zh.contains("写了 2 项"), "{one:?}");
        fs::write(&file, "[http]\nlisten = \"0.0.0.0:80\"\nworkers = \"many\"\n").unwrap();
        let one = found(data.path());
        assert!(one.state == CheckState::Fail && one.found.zh.contains("第 3 行"), "{one:?}");
        assert!(one.remedy.zh.contains("guida settings --data") && one.remedy.en.contains("guida.toml"), "{one:?}");
        assert_eq!(found(&data.path().join("none")).state, CheckState::Skipped);
    }

    #[test]
    fn pages_are_served_where_the_flag_the_unit_or_the_file_says() {
        let root = tempfile::tempdir().unwrap();
        let listen = |given: Option<&str>| {
            let given = given.map(|address| address.parse().unwrap());
            Subject::outside(root.path(), root.path(), given).listen().map(|address| address.to_string())
        };
        assert_eq!(listen(None).as_deref(), Some("127.0.0.1:8080"));
        fs::write(root.path().join("guida.toml"), "[http]\nlisten = \"0.0.0.0:81\"\n").unwrap();
        assert_eq!(listen(None).as_deref(), Some("0.0.0.0:81"));
        let units = root.path().join("etc/systemd/system");
        fs::create_dir_all(&units).unwrap();
        let unit = units.join("guida.service");
        let other = root.path().join("other.toml");
        fs::write(&other, "[http]\nlisten = \"0.0.0.0:82\"\n").unwrap();
        fs::write(&unit, format!("ExecStart=/usr/bin/guida serve --config {}\n", other.display())).unwrap();
        assert_eq!(listen(None).as_deref(), Some("0.0.0.0:82"));
        fs::write(&unit, "ExecStart=/usr/bin/guida serve --listen=0.0.0.0:83 --data /var/lib/guida\n").unwrap();
        assert_eq!(listen(None).as_deref(), Some("0.0.0.0:83"));
        assert_eq!(listen(Some("127.0.0.1:84")).as_deref(), Some("127.0.0.1:84"));
    }
}
