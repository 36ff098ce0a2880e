//! The command line as clap reads it. Reading acts on nothing. `model` has what concerns models, `branch` what concerns the knowledge
//! of a box, `pack` what head office does, `serve` the service and its settings,
//! `console` the console, `kb` what makes and shows knowledge files.

mod branch;
mod console;
mod kb;
mod model;
mod pack;
mod serve;

pub use branch::{BackupArgs, DataCommand, ImportArgs, RestoreArgs};
pub use console::ConsoleArgs;
pub use kb::KbCommand;
pub use model::{DataArg, KvTypeArg, LoraArg, ModelArgs, ModelCommand, RoleArg};
pub use pack::{
    AlgArg, ByteSize, PackBuildArgs, PackCommand, PassphraseArg, Requirement, RoleFile, RootArgs, RotateArgs, SignArgs,
    VerifyArgs,
};
pub use serve::{ConfigArg, ServeArgs, SettingsArgs, SettingsCommand};

use crate::engine::measure::{MAX_FOLDS, MIN_FOLDS};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// 柜答:网点离线问答。从本行制度和现行法规中给出结论和原文条款。
#[derive(Debug, Parser)]
#[command(name = "guida", version, max_term_width = 120)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// 问一个问题,显示结论和原文条款
    Ask(AskArgs),
    /// 在终端里一行一行地问,可以接着上一问问
    Chat(ChatArgs),
    /// 启动网页和接口服务
    Serve(ServeArgs),
    /// 打开控制台:看运行、导入知识、换模型、体检
    Console(ConsoleArgs),
    /// 知识库:生成、检查、查看
    Kb {
        /// Which.
        #[command(subcommand)]
        command: KbCommand,
    },
    /// 从 U 盘导入知识包
    Import(ImportArgs),
    /// 本机的知识:建立、查看、退回、复核
    Data {
        /// Which.
        #[command(subcommand)]
        command: DataCommand,
    },
    /// 体检:逐项检查本机,不正常的写明怎么处理;不用启动服务,不改动任何文件
    ///
    /// 退出码:0 全部正常或只有要留意的,1 有不正常的
    Doctor(DoctorArgs),
    /// 总行:密钥、信任根,制作、签发和检查知识包
    Pack {
        /// Which.
        #[command(subcommand)]
        command: PackCommand,
    },
    /// 设置:查看、修改、去掉
    Settings(SettingsArgs),
    /// 模型:登记、检查、测速
    Model {
        /// Which.
        #[command(subcommand)]
        command: ModelCommand,
    },
    /// 用带答案的问题测量效果
    Eval {
        /// Which.
        #[command(subcommand)]
        command: EvalCommand,
    },
    /// The generator process; started by `serve` and `ask`, never by hand.
    #[command(hide = true)]
    GeneratorChild,
}

/// Where the knowledge is.
#[derive(Debug, Args)]
pub struct KbArg {
    /// 知识库文件 [默认: 数据目录里的现行知识,没有则 knowledge.db]
    #[arg(long, value_name = "文件", env = "GUIDA_KB")]
    pub kb: Option<PathBuf>,
}

/// Which encoder to use: the bundled one unless said otherwise.
#[derive(Debug, Clone, Default, Args)]
pub struct EncoderArgs {
    /// 代替自带的编码模型(GGUF);知识库须用同一模型生成
    #[arg(long, value_name = "文件")]
    pub embedder: Option<PathBuf>,
    /// 不用编码模型,只按文字检索
    #[arg(long, conflicts_with_all = ["embedder", "query_prefix", "document_prefix", "pooling"])]
    pub no_embedder: bool,
    /// 编码模型要求放在问题前面的文字,默认按模型
    #[arg(long, value_name = "文字", requires = "embedder")]
    pub query_prefix: Option<String>,
    /// 编码模型要求放在条款前面的文字,默认按模型
    #[arg(long, value_name = "文字", requires = "embedder")]
    pub document_prefix: Option<String>,
    /// 由词元向量得出一个向量的方式,默认按模型
    #[arg(long, value_name = "方式", requires = "embedder")]
    pub pooling: Option<PoolingArg>,
}

/// How an encoder makes one vector of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PoolingArg {
    /// 平均
    Mean,
    /// 第一个词元
    Cls,
    /// 最后一个词元
    Last,
}

/// `guida ask`.
#[derive(Debug, Args)]
pub struct AskArgs {
    /// 问题
    pub question: String,
    /// Knowledge.
    #[command(flatten)]
    pub kb: KbArg,
    /// Models.
    #[command(flatten)]
    pub models: ModelArgs,
    /// 按哪一天有效的规定回答,默认为问题里说的那一天,没有说就按今天
    #[arg(long, value_name = "年-月-日")]
    pub as_of: Option<String>,
    /// 追问时选择的条件
    #[arg(long, value_name = "选项")]
    pub choice: Option<String>,
    /// 输出 JSON
    #[arg(long)]
    pub json: bool,
}

/// `guida chat`.
#[derive(Debug, Args)]
pub struct ChatArgs {
    /// Knowledge.
    #[command(flatten)]
    pub kb: KbArg,
    /// Models.
    #[command(flatten)]
    pub models: ModelArgs,
    /// 按哪一天有效的规定回答,默认今天
    #[arg(long, value_name = "年-月-日")]
    pub as_of: Option<String>,
}

/// `guida doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Data folder.
    #[command(flatten)]
    pub data: DataArg,
    /// 服务的网页地址 [默认: 系统服务或 guida.toml 里写的,没有则 127.0.0.1:8080]
    #[arg(long, value_name = "地址:端口")]
    pub listen: Option<std::net::SocketAddr>,
    /// 用英文显示(控制台没有中文字体时)
    #[arg(long, conflicts_with = "json")]
    pub english: bool,
    /// 输出 JSON
    #[arg(long)]
    pub json: bool,
}

/// `guida eval …`.
#[derive(Debug, Subcommand)]
pub enum EvalCommand {
    /// 检索:召回率、排序、拒答、用时
    Retrieval(RetrievalArgs),
    /// 交叉验证:其余各份问题收入知识库,问剩下的一份;列出每种依据的作用
    Cv(CvArgs),
    /// 结论:按题目写明的规则判断柜员先看的那一行,对、不全、错或拒答
    Conclusions(ConclusionsArgs),
    /// 答案:依据卡和模型说明与人工答案的吻合、引用、无依据数字、拒答、用时
    Answers(AnswersArgs),
}

/// `guida eval retrieval`.
#[derive(Debug, Args)]
pub struct RetrievalArgs {
    /// Knowledge.
    #[command(flatten)]
    pub kb: KbArg,
    /// 问题文件(JSONL)
    #[arg(long, value_name = "文件")]
    pub questions: PathBuf,
    /// Encoder.
    #[command(flatten)]
    pub encoder: EncoderArgs,
    /// 重排模型(GGUF)
    #[arg(long, value_name = "文件")]
    pub reranker: Option<PathBuf>,
    /// 按哪一天有效的规定,默认今天
    #[arg(long, value_name = "年-月-日")]
    pub as_of: Option<String>,
    /// 不用这种依据,看它值多少;可重复
    #[arg(long, value_name = "依据")]
    pub without: Vec<SignalArg>,
    /// 另把问题改写后再问;可重复
    #[arg(long, value_name = "方式")]
    pub perturb: Vec<PerturbArg>,
    /// 报告写到此文件(Markdown),图放在旁边
    #[arg(long, value_name = "文件")]
    pub report: Option<PathBuf>,
    /// 逐题结果写到此文件(JSONL)
    #[arg(long, value_name = "文件")]
    pub details: Option<PathBuf>,
    /// 融合时各候选条款的各项依据写到此文件(JSONL),用于拟合权重
    #[arg(long, value_name = "文件")]
    pub evidence: Option<PathBuf>,
    /// 各候选结论的各项依据写到此文件(JSONL),用于拟合权重
    #[arg(long, value_name = "文件")]
    pub candidates: Option<PathBuf>,
    /// 输出 JSON
    #[arg(long)]
    pub json: bool,
}

/// `guida eval cv`.
#[derive(Debug, Args)]
pub struct CvArgs {
    /// 含有文档的目录
    #[arg(required = true, value_name = "目录")]
    pub dirs: Vec<PathBuf>,
    /// 问题文件(JSONL);第 n 个问题属于第 n mod 份数 份
    #[arg(long, value_name = "文件")]
    pub questions: PathBuf,
    /// 份数
    #[arg(long, value_name = "个数", default_value_t = 5,
          value_parser = clap::value_parser!(u8).range(MIN_FOLDS as i64..=MAX_FOLDS as i64))]
    pub folds: u8,
    /// 编码模型(GGUF);{fold} 换成份号(从 0 起),每份应换用没有见过该份问题的模型。不给则不用编码模型
    #[arg(long, value_name = "文件")]
    pub embedder: Option<String>,
    /// 另把问题改写后再问;可重复
    #[arg(long, value_name = "方式")]
    pub perturb: Vec<PerturbArg>,
    /// 按哪一天有效的规定,默认今天
    #[arg(long, value_name = "年-月-日")]
    pub as_of: Option<String>,
    /// 逐题结果写到此文件(JSONL)
    #[arg(long, value_name = "文件")]
    pub details: Option<PathBuf>,
    /// 融合时各候选条款的各项依据写到此文件(JSONL),用于拟合权重
    #[arg(long, value_name = "文件")]
    pub evidence: Option<PathBuf>,
    /// 各份知识库留在此目录;文档和问题没有变时,以后用同样的模型再测直接沿用
    #[arg(long, value_name = "目录")]
    pub keep: Option<PathBuf>,
    /// 输出 JSON
    #[arg(long)]
    pub json: bool,
}

/// `guida eval answers`.
#[derive(Debug, Args)]
pub struct AnswersArgs {
    /// Knowledge.
    #[command(flatten)]
    pub kb: KbArg,
    /// 问题文件(JSONL)
    #[arg(long, value_name = "文件")]
    pub questions: PathBuf,
    /// Models.
    #[command(flatten)]
    pub models: ModelArgs,
    /// 按哪一天有效的规定,默认今天
    #[arg(long, value_name = "年-月-日")]
    pub as_of: Option<String>,
    /// 报告写到此文件(Markdown),图放在旁边
    #[arg(long, value_name = "文件")]
    pub report: Option<PathBuf>,
    /// 逐题结果写到此文件(JSONL)
    #[arg(long, value_name = "文件")]
    pub details: Option<PathBuf>,
    /// 输出 JSON
    #[arg(long)]
    pub json: bool,
}

/// `guida eval conclusions`.
#[derive(Debug, Args)]
pub struct ConclusionsArgs {
    /// Knowledge.
    #[command(flatten)]
    pub kb: KbArg,
    /// 带判断规则的问题文件(JSONL),或含有这种文件的目录;可写多个
    #[arg(long, value_name = "文件", required = true, num_args = 1..)]
    pub questions: Vec<PathBuf>,
    /// Encoder.
    #[command(flatten)]
    pub encoder: EncoderArgs,
    /// 重排模型(GGUF)
    #[arg(long, value_name = "文件")]
    pub reranker: Option<PathBuf>,
    /// 按哪一天有效的规定,默认今天
    #[arg(long, value_name = "年-月-日")]
    pub as_of: Option<String>,
    /// 逐题结果写到此文件(JSONL)
    #[arg(long, value_name = "文件")]
    pub details: Option<PathBuf>,
    /// 各候选结论的各项依据写到此文件(JSONL),不含多轮对话,用于拟合权重
    #[arg(long, value_name = "文件")]
    pub evidence: Option<PathBuf>,
    /// 输出 JSON
    #[arg(long)]
    pub json: bool,
}

/// A signal to leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SignalArg {
    /// 词语
    Words,
    /// 编码模型
    Encoder,
    /// 与收入的问法相同
    Curated,
}

/// A way to change questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PerturbArg {
    /// 错别字、漏字、颠倒
    Typos,
    /// 繁体字
    Traditional,
    /// 全角字符和空格
    Fullwidth,
    /// 前后加客套和语气词
    Particles,
    /// 一个字换成同音字
    SameSound,
    /// 一个词打成拼音
    Letters,
    /// 以上各种
    All,
}
