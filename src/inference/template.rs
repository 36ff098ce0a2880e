//! The model's own chat template, rendered so that no text can pose as a role marker.
//!
//! A GGUF carries a Jinja template that turns messages into the markup that the model was trained on. It is rendered with
//! placeholders in place of the messages; the result is then cut at the placeholders into [`Piece`]s. The caller
//! tokenises markup with special tokens and messages without, so `<|im_end|>` inside a clause stays plain text.
//!
//! The environment is the one that chat templates are written for (Hugging Face `apply_chat_template`): `trim_blocks`,
//! `lstrip_blocks`, loop controls, Python's string and list methods, `raise_exception`, `strftime_now`, `tojson`.

use crate::error::{Code, Error, Result};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, ErrorKind, UndefinedBehavior, context};

/// Stand-ins for the messages; plain letters and digits survive `trim`, `tojson` and the like.
const SYSTEM_MARK: &str = "GuidaSystemMessage7c1e";
const USER_MARK: &str = "GuidaUserMessage7c1e";
/// Between the system message and the question where a model has no system role.
const FOLD_SEPARATOR: &str = "\n\n";
/// Template of models that carry none (base models): the two texts, then a cue to answer.
const PLAIN_TEMPLATE: &str = "{% for message in messages %}{{ message.content }}\n\n{% endfor %}回答:";
/// Steps a template may take; a real one takes some hundreds for two messages.
const FUEL: u64 = 200_000;
/// Longest rendered markup in bytes; a real one is under a kilobyte.
const MAX_RENDERED_BYTES: usize = 1 << 20;
/// Tags of reasoning blocks that known templates write themselves.
const THINKING_TAGS: [(&str, &str); 3] =
    [("<think>", "</think>"), ("<seed:think>", "</seed:think>"), ("<|thought_start|>", "<|thought_end|>")];
/// China Standard Time, for templates that print the date.
const CST_OFFSET_HOURS: i8 = 8;

/// A part of the rendered prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Markup of the template; its special tokens count.
    Markup(String),
    /// Here goes the system message.
    System,
    /// Here goes the user message.
    User,
}

/// A compiled chat template.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    bos: String,
    eos: String,
}

impl ChatTemplate {
    /// Compiles the model's template, or the plain one when the model has none, and renders it once to see that it works.
    /// `bos` and `eos` are the texts of the model's first and last token.
    ///
    /// # Errors
    /// `MODEL_TEMPLATE` with the template engine's words.
    pub fn new(source: Option<&str>, bos: &str, eos: &str) -> Result<ChatTemplate> {
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(unusable)?;
        environment.set_syntax(syntax);
        environment.set_undefined_behavior(UndefinedBehavior::Lenient);
        environment.set_fuel(Some(FUEL));
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function(
            "raise_exception",
            |message: String| -> std::result::Result<String, minijinja::Error> {
                Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
            },
        );
        environment.add_function("strftime_now", strftime_now);
        environment.add_template_owned("chat", source.unwrap_or(PLAIN_TEMPLATE).to_owned()).map_err(unusable)?;
        let template = ChatTemplate { environment, bos: bos.to_owned(), eos: eos.to_owned() };
        template.pieces(true)?;
        Ok(template)
    }

    /// The prompt in pieces, ending where the model is to write. A template without a system role gets the system
    /// message at the head of the user message. Exactly one [`Piece::User`], and one [`Piece::System`] if `system`.
    ///
    /// # Errors
    /// `MODEL_TEMPLATE` when the template fails or leaves a message out.
    pub fn pieces(&self, system: bool) -> Result<Vec<Piece>> {
        if !system {
            return self.attempt(&[("user", USER_MARK)], false);
        }
        // Templates refuse a system role in two ways: they raise, or they leave the message out.
        self.attempt(&[("system", SYSTEM_MARK), ("user", USER_MARK)], true).or_else(|_| {
            let folded = [SYSTEM_MARK, FOLD_SEPARATOR, USER_MARK].concat();
            self.attempt(&[("user", &folded)], true)
        })
    }

    /// Whether a prompt ends inside a reasoning block (DeepSeek-R1's template ends with `<think>`), so that the reply begins with
    /// reasoning that no tag opens.
    pub fn opens_thinking(&self) -> bool {
        let Ok(pieces) = self.pieces(true) else { return false };
        let Some(Piece::Markup(end)) = pieces.last() else { return false };
        let end = end.to_lowercase();
        let last = |tag: &str| end.rfind(tag);
        THINKING_TAGS
            .iter()
            .any(|(open, close)| last(open).is_some_and(|at| last(close).is_none_or(|closed| closed < at)))
    }

    fn attempt(&self, messages: &[(&str, &str)], system: bool) -> Result<Vec<Piece>> {
        let messages: Vec<_> = messages.iter().map(|&(role, content)| context! { role, content }).collect();
        let rendered = self
            .environment
            .get_template("chat")
            .and_then(|template| {
                template.render(context! {
                    messages,
                    add_generation_prompt => true,
                    // Reasoning before the answer costs minutes on a branch machine; models that can, skip it.
                    enable_thinking => false,
                    bos_token => self.bos.as_str(),
                    eos_token => self.eos.as_str(),
                })
            })
            .map_err(unusable)?;
        if rendered.len() > MAX_RENDERED_BYTES {
            return Err(unusable("展开后过长"));
        }
        let pieces = cut(&rendered);
        let count = |piece: &Piece| pieces.iter().filter(|p| *p == piece).count();
        if count(&Piece::User) != 1 || count(&Piece::System) != usize::from(system) {
            return Err(unusable("模板没有恰好一次写入每条消息"));
        }
        Ok(pieces)
    }
}

/// Cuts rendered text at the stand-ins.
fn cut(rendered: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = rendered;
    loop {
        let next = [(SYSTEM_MARK, Piece::System), (USER_MARK, Piece::User)]
            .into_iter()
            .filter_map(|(mark, piece)| rest.split_once(mark).map(|(before, after)| (before, piece, after)))
            .min_by_key(|(before, ..)| before.len());
        let Some((before, piece, after)) = next else { break };
        if !before.is_empty() {
            pieces.push(Piece::Markup(before.to_owned()));
        }
        pieces.push(piece);
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Markup(rest.to_owned()));
    }
    pieces
}

/// `strftime_now(format)`: today's date as templates print it.
fn strftime_now(format: String) -> std::result::Result<String, minijinja::Error> {
    let now = jiff::tz::offset(CST_OFFSET_HOURS).to_datetime(jiff::Timestamp::now());
    jiff::fmt::strtime::format(&format, now)
        .map_err(|cause| minijinja::Error::new(ErrorKind::InvalidOperation, cause.to_string()))
}

fn unusable(cause: impl std::fmt::Display) -> Error {
    Error::new(
        Code::ModelTemplate,
        format!("模型自带的对话模板不能使用:{cause}"),
        "请换用官方发布的 GGUF 文件,或换一个模型",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Short equivalents, in our words, of the shapes that public models use.
    const CHATML: &str = "{% for m in messages %}\
        {% if loop.first and m['role'] != 'system' %}{{ '<|im_start|>system\\nDefault.<|im_end|>\\n' }}{% endif %}\
        {{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + '\\n' }}{% endfor %}\
        {% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
    const QWEN3: &str = "{%- if tools %}\n    {{- '<tools>' }}\n{%- endif %}\n\
        {%- set ns = namespace(last=messages|length - 1, seen=false) %}\n\
        {%- for m in messages[::-1] %}\n    {%- if m.role == \"user\" and not ns.seen %}\n        {%- set ns.seen = true %}\n    {%- endif %}\n{%- endfor %}\n\
        {%- for m in messages %}\n    {%- if m.content is string %}\n        {%- set content = m.content %}\n    {%- else %}\n        {%- set content = '' %}\n    {%- endif %}\n\
        {%- if content.startswith('<tool_response>') and content.endswith('</tool_response>') %}{% continue %}{%- endif %}\n\
        {{- '<|im_start|>' + m.role + '\\n' + content.split('</think>')[-1].lstrip('\\n') + '<|im_end|>' + '\\n' }}\n{%- endfor %}\n\
        {%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\\n' }}\n    {%- if enable_thinking is defined and enable_thinking is false %}\n        {{- '<think>\\n\\n</think>\\n\\n' }}\n    {%- endif %}\n{%- endif %}";
    const LLAMA2: &str = "{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}{% set sys = messages[0]['content'] %}\
        {% else %}{% set rest = messages %}{% set sys = false %}{% endif %}\
        {% for m in rest %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}\
        {% if loop.index0 == 0 and sys != false %}{% set content = '<<SYS>>\\n' + sys + '\\n<</SYS>>\\n\\n' + m['content'] %}\
        {% else %}{% set content = m['content'] %}{% endif %}\
        {% if m['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% endif %}{% endfor %}";
    const LLAMA3: &str = "{{- bos_token }}\n{%- if not date_string is defined %}\n    {%- set date_string = strftime_now('%d %b %Y') %}\n{%- endif %}\n\
        {%- if messages[0]['role'] == 'system' %}\n    {%- set sys = messages[0]['content']|trim %}\n    {%- set messages = messages[1:] %}\n{%- else %}\n    {%- set sys = '' %}\n{%- endif %}\n\
        {{- '<|start_header_id|>system<|end_header_id|>\\n\\nToday Date: ' + date_string + '\\n\\n' + sys + '<|eot_id|>' }}\n\
        {%- for m in messages %}\n    {{- '<|start_header_id|>' + m['role'] + '<|end_header_id|>\\n\\n' + m['content'] | trim + '<|eot_id|>' }}\n{%- endfor %}\n\
        {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' if add_generation_prompt else '' }}";
    const GLM4: &str = "[gMASK]<sop>{% for item in messages %}{% if item['tools'] is defined %}{{ item['tools'] | tojson(indent=4) }}{% endif %}\
        {% if item['content'] %}<|{{ item['role'] }}|>{{ item['metadata'] }}\n{{ item['content'] }}{% endif %}{% endfor %}\
        {% if add_generation_prompt %}<|assistant|>\n{% endif %}";
    const NO_SYSTEM: &str = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}\
        {% for m in messages %}<start_of_turn>{{ m['role'] }}\n{{ m['content'] | trim }}<end_of_turn>\n{% endfor %}{{ '<start_of_turn>model\n' }}";
    const IGNORES_SYSTEM: &str =
        "{% for m in messages %}{% if m.role == 'user' %}<User>{{ m.content }}{% endif %}{% endfor %}<Bot>";

    /// The pieces as one string, messages in guillemets.
    fn shape(source: &str, system: bool) -> String {
        let template = ChatTemplate::new(Some(source), "<s>", "</s>").expect("compiles");
        let pieces = template.pieces(system).expect("renders");
        pieces
            .iter()
            .map(|piece| match piece {
                Piece::Markup(text) => text.as_str(),
                Piece::System => "«系统»",
                Piece::User => "«用户»",
            })
            .collect()
    }

    #[test]
    fn public_shapes_render_as_their_models_expect() {
        let chatml =
            "<|im_start|>system\n«系统»<|im_end|>\n<|im_start|>user\n«用户»<|im_end|>\n<|im_start|>assistant\n";
        assert_eq!(shape(CHATML, true), chatml);
        assert_eq!(
            shape(CHATML, false),
            "<|im_start|>system\nDefault.<|im_end|>\n<|im_start|>user\n«用户»<|im_end|>\n<|im_start|>assistant\n"
        );
        assert_eq!(shape(QWEN3, true), format!("{chatml}<think>\n\n</think>\n\n"));
        assert_eq!(shape(LLAMA2, true), "<s>[INST] <<SYS>>\n«系统»\n<</SYS>>\n\n«用户» [/INST]");
        assert_eq!(shape(LLAMA2, false), "<s>[INST] «用户» [/INST]");
        assert_eq!(shape(GLM4, true), "[gMASK]<sop><|system|>\n«系统»<|user|>\n«用户»<|assistant|>\n");
        let llama3 = shape(LLAMA3, true);
        assert!(llama3.starts_with("<s><|start_header_id|>system<|end_header_id|>\n\nToday Date: "), "{llama3}");
        let end = "\n\n«系统»<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n«用户»<|eot_id|>\
                   <|start_header_id|>assistant<|end_header_id|>\n\n";
        assert!(llama3.ends_with(end), "{llama3}");
    }

    #[test]
    fn an_open_reasoning_block_at_the_end_is_seen() {
        let opens = |source: &str| ChatTemplate::new(Some(source), "", "").expect("compiles").opens_thinking();
        let r1 = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}<|Assistant|><think>\n";
        assert!(opens(r1));
        assert!(!opens(QWEN3), "an empty block is closed again");
        assert!(!opens(CHATML));
    }

    #[test]
    fn a_template_without_system_role_gets_it_in_the_user_message() {
        assert_eq!(
            shape(NO_SYSTEM, true),
            "<start_of_turn>user\n«系统»\n\n«用户»<end_of_turn>\n<start_of_turn>model\n"
        );
        assert_eq!(shape(IGNORES_SYSTEM, true), "<User>«系统»\n\n«用户»<Bot>");
    }

    #[test]
    fn a_model_without_template_gets_the_plain_one() {
        let template = ChatTemplate::new(None, "", "").expect("plain");
        let cue = Piece::Markup("\n\n回答:".into());
        assert_eq!(
            template.pieces(true).expect("renders"),
            [Piece::System, Piece::Markup("\n\n".into()), Piece::User, cue]
        );
    }

    #[test]
    fn broken_and_endless_templates_are_refused_with_the_reason() {
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
        for source in ["{% if %}", "{{ raise_exception('no') }}", "no messages at all", endless] {
            let error = ChatTemplate::new(Some(source), "", "").expect_err(source);
            assert_eq!(error.code(), Code::ModelTemplate, "{error}");
        }
    }
}
