//! `guida data backup`, `restore`, `move`.

use super::args::{BackupArgs, RestoreArgs};
use super::branch::actor;
use super::output::{print, print_json};
use super::passphrase;
use crate::engine::backup::{self, BackedUp};
use crate::error::Result;

/// Backs a box up.
///
/// # Errors
/// Those of the backup.
pub fn back_up(args: &BackupArgs) -> Result<()> {
    let passphrase = passphrase::choose(&args.passphrase, "为备份设一个口令,恢复时要用")?;
    let made = backup::back_up(&args.data.data, &args.target, &passphrase, !args.no_models, &actor())?;
    match args.json {
        true => print_json(&made),
        false => print(&text(&made)),
    }
}

/// Backs a box up and retires it.
///
/// # Errors
/// Those of the backup, and `BUSY` while its service runs.
pub fn move_away(args: &BackupArgs) -> Result<()> {
    let passphrase = passphrase::choose(&args.passphrase, "为备份设一个口令,在新机上恢复时要用")?;
    let (made, retired) = backup::move_away(&args.data.data, &args.target, &passphrase, !args.no_models, &actor())?;
    if args.json {
        return print_json(&made);
    }
    print(&format!(
        "{}本机已停用,不会再以这个网点的身份工作。新机上运行:guida data restore {} --data {}\n要反悔:把 {} 改回 branch.json\n",
        text(&made),
        made.file.display(),
        args.data.data.display(),
        retired.display()
    ))
}

/// Makes a box of a backup.
///
/// # Errors
/// Those of restoring.
pub fn restore(args: &RestoreArgs) -> Result<()> {
    let passphrase = passphrase::ask(&args.passphrase, "备份的口令")?;
    let made = backup::restore(&args.data.data, &args.source, &passphrase, &actor())?;
    if args.json {
        return print_json(&made);
    }
    print(&format!(
        "已恢复:{} 网点 {},知识 {},{} 个文件,{} 条操作记录\n下一步:启动服务(sudo systemctl start guida),用 guida doctor 检查;备份之后总行若发过新的知识包,插上最新的 U 盘导入\n",
        made.bank_id,
        made.branch,
        made.knowledge.as_deref().unwrap_or("无"),
        made.files,
        made.entries
    ))
}

fn text(made: &BackedUp) -> String {
    let left_out = match made.left_out {
        0 => String::new(),
        n => format!(";{n} 个模型文件没有放进去"),
    };
    format!(
        "已备份到 {}({:.1} MiB,{} 个文件,知识 {}{left_out}),已读回核对\nSHA-256 {}\n口令另行保管:丢了口令,备份就打不开\n",
        made.file.display(),
        made.bytes as f64 / f64::from(1 << 20),
        made.files,
        made.knowledge.as_deref().unwrap_or("无"),
        made.sha256
    )
}
