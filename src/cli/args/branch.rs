//! The commands of a branch's knowledge: `guida import`, `guida data`.

use super::{DataArg, PassphraseArg};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `guida import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// U 盘挂载的目录(其中有 kbpack)
    pub path: PathBuf,
    /// Data folder.
    #[command(flatten)]
    pub data: DataArg,
    /// 不询问,检验通过就启用
    #[arg(long)]
    pub yes: bool,
    /// 只检验并显示变化,不启用
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// 不用编码模型检验(本机以 --no-embedder 运行时)
    #[arg(long)]
    pub no_embedder: bool,
    /// 输出 JSON
    #[arg(long)]
    pub json: bool,
}

/// `guida data backup`, `guida data move`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// 备份写到哪个目录(U 盘挂载的目录或别的磁盘)
    #[arg(value_name = "目录")]
    pub target: PathBuf,
    /// Data folder.
    #[command(flatten)]
    pub data: DataArg,
    /// Where the passphrase comes from.
    #[command(flatten)]
    pub passphrase: PassphraseArg,
    /// 不备份模型文件(几个 GB;登记照样备份)
    #[arg(long)]
    pub no_models: bool,
    /// 输出 JSON
    #[arg(long)]
    pub json: bool,
}

/// `guida data restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// 备份文件(guida-网点-日期.backup)
    #[arg(value_name = "备份文件")]
    pub source: PathBuf,
    /// Data folder.
    #[command(flatten)]
    pub data: DataArg,
    /// Where the passphrase comes from.
    #[command(flatten)]
    pub passphrase: PassphraseArg,
    /// 输出 JSON
    #[arg(long)]
    pub json: bool,
}

/// `guida data …`.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// 建立数据目录:网点号、通道、总行交付的信任根
    Init {
        /// 信任根文件(kbpack/root/0001.json,旁边有 .sig)
        #[arg(long, value_name = "文件")]
        root: PathBuf,
        /// 总行另行告知的信任根指纹(SHA-256);不给则显示出来由人核对
        #[arg(long, value_name = "指纹")]
        fingerprint: Option<String>,
        /// 网点号
        #[arg(long, value_name = "网点号")]
        branch: String,
        /// 通道
        #[arg(long, value_name = "通道", default_value = "stable")]
        channel: String,
        /// Data folder.
        #[command(flatten)]
        data: DataArg,
    },
    /// 现行知识、可退回的知识、信任根、待复核
    Status {
        /// Data folder.
        #[command(flatten)]
        data: DataArg,
        /// 输出 JSON
        #[arg(long)]
        json: bool,
    },
    /// 退回到前一代知识
    Rollback {
        /// Data folder.
        #[command(flatten)]
        data: DataArg,
    },
    /// 恢复退回的知识
    Release {
        /// Data folder.
        #[command(flatten)]
        data: DataArg,
    },
    /// 指向文件损坏时,恢复到最近完好的指向
    Recover {
        /// Data folder.
        #[command(flatten)]
        data: DataArg,
    },
    /// 条款变化后待复核的问法;--accept 复核通过一条
    Review {
        /// 编号或问法原文
        #[arg(long, value_name = "编号")]
        accept: Option<String>,
        /// Data folder.
        #[command(flatten)]
        data: DataArg,
        /// 输出 JSON
        #[arg(long)]
        json: bool,
    },
    /// 把整台柜答备份成一个加密文件,营业时也可以做
    Backup(BackupArgs),
    /// 在新机上由备份恢复(数据目录须是空的)
    Restore(RestoreArgs),
    /// 搬到新机:备份,然后停用本机(先停止服务)
    Move(BackupArgs),
    /// 本机时钟;--confirm 确认现在的时间无误
    Clock {
        /// 已核对,现在的时间无误
        #[arg(long)]
        confirm: bool,
        /// Data folder.
        #[command(flatten)]
        data: DataArg,
        /// 输出 JSON
        #[arg(long)]
        json: bool,
    },
    /// 本机的记录,新的在前
    Log {
        /// 条数
        #[arg(long, value_name = "条数", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        /// Data folder.
        #[command(flatten)]
        data: DataArg,
        /// 输出 JSON
        #[arg(long)]
        json: bool,
    },
}
