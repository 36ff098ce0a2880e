//! What the command line says about models: which to load and how, and the commands on the registry.

use super::EncoderArgs;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::str::FromStr;

/// Most slots on the command line; the same as the generator's own limit.
const MAX_SLOTS: i64 = crate::engine::models::MAX_SLOTS as i64;

/// Which models to load, and how. What is not given follows what was measured on this box (`guida model bench`), then the defaults.
#[derive(Debug, Default, Args)]
pub struct ModelArgs {
    /// 对话模型,用于在条款下方生成说明文字:GGUF 文件,或登记过的模型名
    #[arg(long, value_name = "模型")]
    pub model: Option<PathBuf>,
    /// 另一个较小的对话模型(文件或登记过的名字),用于容易的问题;只给这一个时全部由它生成
    #[arg(long, value_name = "模型")]
    pub small_model: Option<PathBuf>,
    /// 数据目录,登记的模型在其中;给出而不给 --model 时,用登记为 large 的模型 [默认: data]
    #[arg(long, value_name = "目录", env = "GUIDA_DATA")]
    pub data: Option<PathBuf>,
    /// Encoder.
    #[command(flatten)]
    pub encoder: EncoderArgs,
    /// 重排模型(GGUF),把找到的前 20 条重新排序
    #[arg(long, value_name = "文件")]
    pub reranker: Option<PathBuf>,
    /// LoRA 适配器(GGUF 文件或登记过的名字),可加“=倍数”,默认 1
    #[arg(long, value_name = "适配器[=倍数]")]
    pub lora: Option<LoraArg>,
    /// 模型使用的线程数,默认比 CPU 核数少一
    #[arg(long, value_name = "个数", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub threads: Option<u32>,
    /// 每个线程固定在一个核上
    #[arg(long)]
    pub pin: bool,
    /// 生成进程最多可用的内存(MiB),默认不限
    #[arg(long, value_name = "MiB", value_parser = clap::value_parser!(u64).range(64..))]
    pub model_memory: Option<u64>,
    /// 模型上下文长度(token)[默认: 4096]
    #[arg(long, value_name = "个数", value_parser = clap::value_parser!(u32).range(256..=131_072))]
    pub context: Option<u32>,
    /// 同时生成的路数 [默认: 4,内存不够时自动减少]
    #[arg(long, value_name = "路数", value_parser = clap::value_parser!(u32).range(1..=MAX_SLOTS))]
    pub slots: Option<u32>,
    /// 每步最多处理的 token 数 [默认: 512]
    #[arg(long, value_name = "个数", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub batch: Option<u32>,
    /// 上下文缓存的类型:q8_0 省一半内存 [默认: f16]
    #[arg(long, value_name = "类型")]
    pub kv_type: Option<KvTypeArg>,
    /// 不用 flash attention
    #[arg(long)]
    pub no_flash_attention: bool,
    /// 把模型锁在内存里,不被换出
    #[arg(long)]
    pub mlock: bool,
    /// 把模型读进内存,不用文件映射
    #[arg(long)]
    pub no_mmap: bool,
    /// 不重排权重:省内存,处理问题慢一些
    #[arg(long)]
    pub no_repack: bool,
    /// 提示缓存的内存(MiB),0 为不用 [默认: 整机内存的十六分之一,内存不够时自动减少]
    #[arg(long, value_name = "MiB", value_parser = clap::value_parser!(u64).range(0..=1_048_576))]
    pub prompt_cache: Option<u64>,
}

/// Type of keys and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KvTypeArg {
    /// 16 位浮点数
    #[value(name = "f16")]
    F16,
    /// 8 位整数
    #[value(name = "q8_0")]
    Q8_0,
}

/// An adapter and its factor.
#[derive(Debug, Clone, PartialEq)]
pub struct LoraArg {
    /// Its file, or its name in the registry.
    pub adapter: PathBuf,
    /// Factor of its weights.
    pub scale: f32,
}

impl FromStr for LoraArg {
    type Err = String;

    fn from_str(text: &str) -> Result<LoraArg, String> {
        let (adapter, scale) = crate::config::adapter(text)?;
        Ok(LoraArg { adapter: adapter.into(), scale })
    }
}

/// Where the registry is.
#[derive(Debug, Args)]
pub struct DataArg {
    /// 数据目录
    #[arg(long, value_name = "目录", default_value = "data", env = "GUIDA_DATA")]
    pub data: PathBuf,
}

/// `guida model …`.
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// 列出登记的模型,以及本机内存能否载入
    List {
        /// Data directory.
        #[command(flatten)]
        data: DataArg,
        /// 输出 JSON
        #[arg(long)]
        json: bool,
    },
    /// 登记一个模型:检查、拷进数据目录、记下校验值
    Add {
        /// GGUF 文件
        file: PathBuf,
        /// 叫什么名字,默认用文件里写的
        #[arg(long, value_name = "名字")]
        name: Option<String>,
        /// 用途,默认按文件内容
        #[arg(long, value_name = "用途")]
        role: Option<RoleArg>,
        /// 文件是 LoRA 适配器
        #[arg(long, requires = "for_model", conflicts_with = "role")]
        adapter: bool,
        /// 适配器属于哪个模型
        #[arg(long = "for", id = "for_model", value_name = "模型名", requires = "adapter")]
        for_model: Option<String>,
        /// 移动文件,不拷贝
        #[arg(long = "move", id = "moved")]
        moved: bool,
        /// Data directory.
        #[command(flatten)]
        data: DataArg,
        /// 输出 JSON
        #[arg(long)]
        json: bool,
    },
    /// 重新计算校验值,看模型文件是否完好
    Verify {
        /// 模型名或校验值的开头
        model: String,
        /// Data directory.
        #[command(flatten)]
        data: DataArg,
        /// 输出 JSON
        #[arg(long)]
        json: bool,
    },
    /// 测速:找出本机上最快的设置,以后 serve 和 ask 自动采用
    Bench {
        /// 模型名、校验值的开头,或 GGUF 文件
        model: PathBuf,
        /// 少试几种,一两分钟内结束
        #[arg(long)]
        quick: bool,
        /// 上下文长度(token)[默认: 4096]
        #[arg(long, value_name = "个数", value_parser = clap::value_parser!(u32).range(256..=131_072))]
        context: Option<u32>,
        /// Data directory.
        #[command(flatten)]
        data: DataArg,
        /// 输出 JSON
        #[arg(long)]
        json: bool,
    },
    /// 删除登记的模型和它的文件
    Remove {
        /// 模型名或校验值的开头
        model: String,
        /// Data directory.
        #[command(flatten)]
        data: DataArg,
        /// 输出 JSON
        #[arg(long)]
        json: bool,
    },
}

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleArg {
    /// 写说明文字
    Large,
    /// 写简单问题的说明文字
    Small,
    /// 计算向量
    Embedder,
    /// 重排条款
    Reranker,
}
