//! `guida kb …`: knowledge files.

use super::{EncoderArgs, ModelArgs};
use clap::Subcommand;
use std::path::PathBuf;

/// `guida kb …`.
#[derive(Debug, Subcommand)]
pub enum KbCommand {
    /// 从目录生成知识库,并检查制度:引用、条号、日期、数值冲突
    ///
    /// 退出码:0 没有错误,1 有错误(加 --strict 时有警告也算);知识库文件都会写出
    Build {
        /// 含有 md、txt、html、docx、pdf、xlsx、csv 文件的目录
        #[arg(required = true, value_name = "目录")]
        dirs: Vec<PathBuf>,
        /// 生成的文件
        #[arg(long, value_name = "文件")]
        out: PathBuf,
        /// 已有答案的问题(JSONL,每行 {id, question, answer, relevant}),收入它们指向的条款;可重复
        #[arg(long, value_name = "文件")]
        curated: Vec<PathBuf>,
        /// 由 guida kb enrich 写出的问法:帮助找到条款,不作答案的依据,也不显示;可重复
        #[arg(long, value_name = "文件")]
        enrich: Vec<PathBuf>,
        /// 前一次生成的知识库:没有变的条款沿用其中的编号和向量,差异包因此很小,也省去重新编码(编码模型和参数须相同)
        #[arg(long, value_name = "文件")]
        like: Option<PathBuf>,
        /// 不用程序自带的、人们对公开法律的问法
        #[arg(long)]
        no_everyday: bool,
        /// Encoder.
        #[command(flatten)]
        encoder: EncoderArgs,
        /// 编码线程数,默认用全部 CPU 核
        #[arg(long, value_name = "个数", value_parser = clap::value_parser!(u32).range(1..=256))]
        threads: Option<u32>,
        /// 有警告也以退出码 1 结束
        #[arg(long)]
        strict: bool,
        /// 把检查结果和每份文档的解析结果写成报告;.html 为网页,其余为 Markdown
        #[arg(long, value_name = "文件")]
        report: Option<PathBuf>,
        /// 输出 JSON 报告
        #[arg(long)]
        json: bool,
    },
    /// 看一个文件解析成什么样:名称、文号、日期、级别、条款和表格、没有收录的内容,以及各条在柜面上的卡片
    Preview {
        /// 制度文件
        file: PathBuf,
        /// 不显示卡片
        #[arg(long)]
        no_cards: bool,
        /// 输出 JSON
        #[arg(long)]
        json: bool,
    },
    /// 请对话模型为条款写问法(总行做一次,可能要几小时;中断后再运行会接着写)
    Enrich {
        /// 含有制度文件的目录
        #[arg(required = true, value_name = "目录")]
        dirs: Vec<PathBuf>,
        /// 问法文件;已有的条款不再写
        #[arg(long, value_name = "文件")]
        out: PathBuf,
        /// Model.
        #[command(flatten)]
        models: Box<ModelArgs>,
    },
    /// 检查知识库是否完好
    Check {
        /// 知识库文件
        file: PathBuf,
        /// 输出 JSON
        #[arg(long)]
        json: bool,
    },
    /// 列出所依据的条款文字已变、需要复核的问法
    Review {
        /// 新的知识库文件
        file: PathBuf,
        /// 与之相比的旧知识库文件
        #[arg(long, value_name = "文件")]
        against: PathBuf,
        /// 输出 JSON
        #[arg(long)]
        json: bool,
    },
    /// 查看文档目录,或某个文档、某一条
    Show {
        /// 知识库文件
        file: PathBuf,
        /// 文档名,或条款地址,如 商业银行法第二十九条
        what: Option<String>,
        /// 输出 JSON
        #[arg(long)]
        json: bool,
    },
}
