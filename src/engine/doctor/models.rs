//! The models: whether their files are whole, whether they fit, how they were measured, how they do.

use super::findings::{Finding, Looked, amount, met, say};
use super::service::Presence;
use super::subject::Subject;
use crate::engine::models::{ModelList, ModelRole, ModelRow, Registry, list};
use crate::error::Code;
use crate::inference::GeneratorStatus;

/// Restarts of the generator since the start of the service from which on something is wrong.
const MANY_RESTARTS: u64 = 3;

fn listed(subject: &Subject) -> std::result::Result<ModelList, Finding> {
    let root = subject.folder()?.root();
    list(root).map_err(|e| Finding::skipped(met("not looked at: the folder of models cannot be read", &e)))
}

/// The registered models that write.
fn writing(subject: &Subject) -> std::result::Result<Vec<ModelRow>, Finding> {
    let mut models = listed(subject)?.models;
    models.retain(|row| row.registered && matches!(row.entry.role, ModelRole::Large | ModelRole::Small));
    if models.is_empty() {
        return Err(Finding::skipped(say("没有登记写说明文字的模型", "no model that writes is registered")));
    }
    Ok(models)
}

/// A list of names for people.
fn names<'m>(rows: impl Iterator<Item = &'m ModelRow>) -> String {
    rows.map(|row| row.entry.name.as_str()).collect::<Vec<_>>().join(", ")
}

pub(super) fn registry(subject: &Subject) -> Looked {
    let root = subject.folder()?.root();
    let registry = Registry::of(root);
    Ok(match registry.with_role(ModelRole::Large) {
        Err(e) if e.code() == Code::BadParameter => Finding::warn(
            met("several models are registered as large", &e),
            say(
                format!("启动服务时用 --model 模型名 指明;不用的删掉:{}", subject.command("model remove 模型名")),
                format!(
                    "name one with --model when the service starts, or remove the others: {}",
                    subject.command("model remove NAME")
                ),
            ),
        ),
        Err(e) => Finding::fail(
            met("the register of models cannot be read: the service does not start with --data", &e),
            say(
                format!("模型文件都还在;重新登记其中一个,登记就会恢复:{}", subject.command("model add 文件.gguf")),
                format!(
                    "the model files are still there; add one of them again and the register is mended: {}",
                    subject.command("model add FILE.gguf")
                ),
            ),
        ),
        Ok(_) => {
            let models = listed(subject)?.models;
            let (known, strange) = models.iter().partition::<Vec<&ModelRow>, _>(|row| row.registered);
            match (known.len(), strange.len()) {
                (0, 0) => {
                    Finding::ok(say("没有登记模型;结论和条款不需要模型", "no model; conclusions and clauses need none"))
                }
                (n, 0) => {
                    let all = names(known.into_iter());
                    Finding::ok(say(format!("已登记 {n} 个:{all}"), format!("{n} registered: {all}")))
                }
                (n, m) => Finding::warn(
                    say(
                        format!("已登记 {n} 个,另有 {m} 个文件没有登记"),
                        format!("{n} registered, {m} files that are not"),
                    ),
                    say(
                        format!("要用就登记:{};不用就删掉文件", subject.command("model add 文件.gguf")),
                        format!(
                            "register those that are needed: {}; delete the others",
                            subject.command("model add FILE.gguf")
                        ),
                    ),
                ),
            }
        }
    })
}

pub(super) fn files(subject: &Subject) -> Looked {
    let data = subject.folder()?;
    let models = listed(subject)?.models;
    let registered: Vec<&ModelRow> = models.iter().filter(|row| row.registered).collect();
    if registered.is_empty() {
        return Err(Finding::skipped(say("没有登记模型", "no model is registered")));
    }
    for row in &registered {
        let name = &row.entry.name;
        let path = data.models().join(format!("{}.gguf", row.entry.sha256));
        let found = std::fs::metadata(&path).map(|found| found.len()).ok();
        let fault = match found {
            None => say(
                format!("{name} 的文件不见了:{}", path.display()),
                format!("the file of {name} is gone: {}", path.display()),
            ),
            Some(length) if length != row.entry.bytes => say(
                format!("{name} 有 {length} 字节,应为 {}", row.entry.bytes),
                format!("{name} has {length} bytes instead of {}", row.entry.bytes),
            ),
            Some(_) => match &row.problem {
                Some(problem) => {
                    say(format!("{name} 不能用:{problem}"), format!("{name} cannot be used: its header does not read"))
                }
                None => continue,
            },
        };
        let (remove, add) =
            (subject.command(&format!("model remove {name}")), format!("model add 文件.gguf --name {name}"));
        return Ok(Finding::fail(
            fault,
            say(
                format!("从发放介质重新登记:{remove};{}", subject.command(&add)),
                format!(
                    "register it again from the delivery: {remove}; {}",
                    subject.command(&add.replace("文件", "FILE"))
                ),
            ),
        ));
    }
    let bytes = registered.iter().map(|row| row.entry.bytes).fold(0, u64::saturating_add);
    let count = registered.len();
    Ok(Finding::ok(say(
        format!("{count} 个文件都在,大小相符,共 {};逐字节核对用 guida model verify 模型名", amount(bytes)),
        format!("{count} files of the right size, {}; guida model verify NAME compares every byte", amount(bytes)),
    )))
}

pub(super) fn fit(subject: &Subject) -> Looked {
    let models = writing(subject)?;
    let loaded = subject.inside.as_ref().is_some_and(|inside| inside.writers.iter().any(|writer| writer.ready));
    if loaded || subject.presence() == Presence::Answering {
        return Err(Finding::skipped(say(
            "服务在运行,内存已归它用,没有查",
            "not looked at: the service runs, and has the memory already",
        )));
    }
    let too_large: Vec<&ModelRow> = models.iter().filter(|row| row.fit.as_ref().is_some_and(|fit| !fit.fits)).collect();
    if let Some(first) = too_large.first() {
        let needed = first.fit.as_ref().map_or(0, |fit| fit.needed_bytes);
        let all = names(too_large.iter().copied());
        return Ok(Finding::warn(
            say(
                format!("内存放不下 {all}(约需 {});结论和条款不受影响", amount(needed)),
                format!(
                    "too little memory for {all} (about {}); conclusions and clauses are not concerned",
                    amount(needed)
                ),
            ),
            say(
                format!("换小一些的模型(看哪个放得下:{}),停掉别的程序,或加内存", subject.command("model list")),
                format!(
                    "use a smaller model (see which fit: {}), stop other programs, or add memory",
                    subject.command("model list")
                ),
            ),
        ));
    }
    let tight = models.iter().find_map(|row| Some((&row.entry.name, row.fit.as_ref()?.flags.as_ref()?)));
    let all = names(models.iter());
    Ok(Finding::ok(match tight {
        Some((name, flags)) => say(
            format!("放得下;{name} 会自动减到 {flags}"),
            format!("they fit; {name} is loaded with {flags} by itself"),
        ),
        None => say(format!("放得下:{all}"), format!("they fit: {all}")),
    }))
}

pub(super) fn speed(subject: &Subject) -> Looked {
    let models = writing(subject)?;
    let unmeasured: Vec<&ModelRow> = models.iter().filter(|row| row.measured.is_none()).collect();
    if let Some(first) = unmeasured.first() {
        let all = names(unmeasured.iter().copied());
        let bench = subject.command(&format!("model bench {}", first.entry.name));
        return Ok(Finding::warn(
            say(format!("没有测过速:{all}"), format!("not measured on this machine: {all}")),
            say(
                format!("下班后测一次,几分钟,以后自动用最快的设置:{bench}"),
                format!("measure it after hours, some minutes; the fastest settings are used from then on: {bench}"),
            ),
        ));
    }
    let measured = models.iter().filter_map(|row| Some((&row.entry.name, row.measured.as_ref()?)));
    let figures: Vec<String> =
        measured.map(|(name, profile)| format!("{name} {:.1}/s", profile.decode_per_second)).collect();
    let figures = figures.join(", ");
    Ok(Finding::ok(say(format!("每秒词元:{figures}"), format!("tokens a second: {figures}"))))
}

/// The worst of the models that are loaded.
fn judge_writer(status: &GeneratorStatus) -> Finding {
    let name = &status.model.name;
    let remedy = say(
        "看日志里的原因;内存不足就换小一些的模型;换好后重新载入:sudo systemctl reload guida",
        "read the reason in the log; with too little memory use a smaller model; then load anew: sudo systemctl reload guida",
    );
    if !status.ready {
        let why = status.failure.as_deref().unwrap_or("…");
        return Finding::warn(
            say(
                format!("{name} 现在不能写:{why};结论和条款照常"),
                format!("{name} cannot write now; conclusions and clauses go on"),
            ),
            remedy,
        );
    }
    if let Some(why) = &status.swap_failure {
        return Finding::warn(
            say(
                format!("{name} 在用;要换上的模型没有换成:{why}"),
                format!("{name} serves; the model that was to follow did not load"),
            ),
            remedy,
        );
    }
    if status.restarts >= MANY_RESTARTS {
        return Finding::warn(
            say(
                format!("{name} 已重启 {} 次", status.restarts),
                format!("{name} was restarted {} times", status.restarts),
            ),
            say(
                "看是不是内存不足:sudo dmesg | grep -i 'out of memory';是就换小一些的模型",
                "is it memory? sudo dmesg | grep -i 'out of memory'; if so, use a smaller model",
            ),
        );
    }
    let (slots, restarts) = (status.slots, status.restarts);
    Finding::ok(say(
        format!("{name} 可以写,{slots} 路,重启过 {restarts} 次"),
        format!("{name} is ready, {slots} at a time, restarted {restarts} times"),
    ))
}

pub(super) fn generator(subject: &Subject) -> Looked {
    let Some(inside) = &subject.inside else {
        return Err(Finding::skipped(say("要问运行中的服务:guida console", "a running service knows: guida console")));
    };
    let gravest = inside.writers.iter().map(judge_writer).min_by_key(|finding| finding.state);
    gravest.ok_or_else(|| {
        Finding::skipped(say("没有载入模型,只给结论和条款", "no model is loaded: conclusions and clauses alone"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::CheckState;
    use super::*;
    use crate::inference::ModelId;

    fn status() -> GeneratorStatus {
        GeneratorStatus {
            model: ModelId { name: "qwen".into(), sha256: String::new() },
            ready: true,
            failure: None,
            queued: 0,
            running: 0,
            slots: 4,
            expected_wait_ms: 0,
            cache: Default::default(),
            swap_failure: None,
            restarts: 0,
            context_tokens: 4096,
        }
    }

    #[test]
    fn a_model_that_is_down_or_dies_again_and_again_is_told() {
        let state = |status: &GeneratorStatus| judge_writer(status).state;
        assert_eq!(state(&status()), CheckState::Ok);
        assert_eq!(
            state(&GeneratorStatus { ready: false, failure: Some("MODEL_DIED".into()), ..status() }),
            CheckState::Warn
        );
        assert_eq!(state(&GeneratorStatus { swap_failure: Some("MODEL_MEMORY".into()), ..status() }), CheckState::Warn);
        assert_eq!(state(&GeneratorStatus { restarts: MANY_RESTARTS - 1, ..status() }), CheckState::Ok);
        assert_eq!(state(&GeneratorStatus { restarts: MANY_RESTARTS, ..status() }), CheckState::Warn);
    }
}
