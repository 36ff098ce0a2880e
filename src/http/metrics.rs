//! Status as text for Prometheus (exposition format 0.0.4). Counts and times only: nothing of any question, and no label whose
//! values grow.
//!
//! | metric | type | says |
//! |---|---|---|
//! | `guida_info{version, generation}` | gauge | always 1 |
//! | `guida_notice{code}` | gauge | 1 while the box has this to tell, see [`NoticeCode`] |
//! | `guida_curated_suspended` | gauge | curated questions that wait for a person |
//! | `guida_http_connections`, `guida_http_waiting`, `guida_http_working` | gauge | open connections; requests that wait for a worker, and that have one |
//! | `guida_http_connections_evicted_total`, `guida_http_connections_refused_total` | counter | connections closed for others; that found no place |
//! | `guida_questions_total{outcome}` | counter | questions by `answered`, `refused`, `failed` |
//! | `guida_card_seconds` | histogram | time from question to finished card |
//! | `guida_prose_wanted_total`, `guida_prose_unavailable_total` | counter | answers for which prose was wanted; that got none |
//! | `guida_answer_cache_hits_total`, `…_misses_total`; `…_entries`, `…_bytes` | counter; gauge | answers given again |
//! | `guida_generator_ready{role}` and `…_queued`, `…_running`, `…_slots`, `…_expected_wait_seconds` | gauge | a model that writes |
//! | `guida_generator_restarts_total{role}` | counter | how often its process was started anew |
//! | `guida_prompt_cache_hits_total{role}`, `…_misses_total` | counter | prompts that began with something it held |
//! | `guida_prompt_tokens_total{role, source}` | counter | prompt tokens `reused` and `prefilled` |
//! | `guida_prompt_cache_tokens{role, place}`, `guida_prompt_cache_bytes{role}` | gauge | tokens held `resident` and `stored` |
//!
//! The role is `large` for the only model too.

use crate::engine::CARD_SECONDS;
use crate::engine::overview::Load;
use crate::engine::reply::{GeneratorStatus, NoticeCode, StatusReply};
use std::fmt::Write;

/// The page.
pub(super) fn text(status: &StatusReply, load: &Load) -> String {
    let mut page = Page(String::new());
    let info = format!("version=\"{}\",generation=\"{}\"", status.version, status.generation);
    page.gauge("guida_info", "Version of the program and of its knowledge.", &[(&info, 1.0)]);

    let told = NoticeCode::ALL.map(|code| {
        let told = status.notices.iter().any(|notice| notice.code == code);
        (format!("code=\"{}\"", code.as_str()), f64::from(u8::from(told)))
    });
    page.gauge("guida_notice", "1 while the box has this to tell.", &told);
    let suspended = status.suspended as f64;
    page.gauge("guida_curated_suspended", "Curated questions that wait for a person.", &[("", suspended)]);

    page.gauge("guida_http_connections", "Open connections.", &[("", load.connections() as f64)]);
    page.gauge("guida_http_waiting", "Requests that wait for a worker.", &[("", load.waiting() as f64)]);
    page.gauge("guida_http_working", "Requests being worked on.", &[("", load.working() as f64)]);
    let evicted = load.evicted() as f64;
    page.counter("guida_http_connections_evicted_total", "Idle connections closed for others.", &[("", evicted)]);
    let refused = load.turned_away() as f64;
    page.counter("guida_http_connections_refused_total", "Connections without a place.", &[("", refused)]);

    let service = &status.service;
    page.counter(
        "guida_questions_total",
        "Questions by outcome.",
        &[
            ("outcome=\"answered\"", service.answered as f64),
            ("outcome=\"refused\"", service.refused as f64),
            ("outcome=\"failed\"", service.failed as f64),
        ],
    );
    page.histogram(
        "guida_card_seconds",
        "Time from question to finished card.",
        &service.card_times,
        service.card_seconds,
    );
    let wanted = service.prose_wanted as f64;
    page.counter("guida_prose_wanted_total", "Answers for which prose was wanted.", &[("", wanted)]);
    let without = service.prose_unavailable as f64;
    page.counter("guida_prose_unavailable_total", "Of these, answers that got none.", &[("", without)]);

    let cache = &status.answer_cache;
    page.counter("guida_answer_cache_hits_total", "Answers given again.", &[("", cache.hits as f64)]);
    page.counter("guida_answer_cache_misses_total", "Answers that had to be written.", &[("", cache.misses as f64)]);
    page.gauge("guida_answer_cache_entries", "Answers held.", &[("", cache.entries as f64)]);
    page.gauge("guida_answer_cache_bytes", "Bytes held.", &[("", cache.bytes as f64)]);

    let both = [("large", &status.generator), ("small", &status.small_generator)];
    let models: Vec<(&str, &GeneratorStatus)> =
        both.into_iter().filter_map(|(role, status)| status.as_ref().map(|status| (role, status))).collect();
    if !models.is_empty() {
        generators(&mut page, &models);
    }
    page.0
}

/// One figure of a model.
type Figure = fn(&GeneratorStatus) -> f64;

fn generators(page: &mut Page, models: &[(&str, &GeneratorStatus)]) {
    let each = |of: Figure| -> Vec<(String, f64)> {
        models.iter().map(|(role, status)| (format!("role=\"{role}\""), of(status))).collect()
    };
    let split = |name: &str, of: [(&str, Figure); 2]| -> Vec<(String, f64)> {
        let values = |(value, of): (&str, Figure)| {
            let label = format!("{name}=\"{value}\"");
            models
                .iter()
                .map(move |(role, status)| (format!("role=\"{role}\",{label}"), of(status)))
                .collect::<Vec<_>>()
        };
        of.into_iter().flat_map(values).collect()
    };
    page.gauge("guida_generator_ready", "1 when the model can write.", &each(|g| f64::from(u8::from(g.ready))));
    page.gauge("guida_generator_queued", "Requests waiting or running.", &each(|g| g.queued as f64));
    page.gauge("guida_generator_running", "Requests being computed.", &each(|g| g.running as f64));
    page.gauge("guida_generator_slots", "Requests that can be computed at once.", &each(|g| g.slots as f64));
    let wait = each(|g| g.expected_wait_ms as f64 / 1e3);
    page.gauge("guida_generator_expected_wait_seconds", "Expected wait of a further request.", &wait);
    page.counter("guida_generator_restarts_total", "Restarts of the process.", &each(|g| g.restarts as f64));
    page.counter("guida_prompt_cache_hits_total", "Prompts with a known opening.", &each(|g| g.cache.hits as f64));
    page.counter("guida_prompt_cache_misses_total", "Prompts without one.", &each(|g| g.cache.misses as f64));
    let tokens = split(
        "source",
        [("reused", |g| g.cache.reused_tokens as f64), ("prefilled", |g| g.cache.prefilled_tokens as f64)],
    );
    page.counter("guida_prompt_tokens_total", "Prompt tokens by where they came from.", &tokens);
    let held = split(
        "place",
        [("resident", |g| g.cache.resident_tokens as f64), ("stored", |g| g.cache.stored_tokens as f64)],
    );
    page.gauge("guida_prompt_cache_tokens", "Tokens held, by place.", &held);
    page.gauge("guida_prompt_cache_bytes", "Bytes of the host store.", &each(|g| g.cache.stored_bytes as f64));
}

/// Writing to a string cannot fail: the results of `write!` say nothing.
struct Page(String);

impl Page {
    fn gauge<L: AsRef<str>>(&mut self, name: &str, help: &str, values: &[(L, f64)]) {
        self.family(name, "gauge", help, values);
    }

    fn counter<L: AsRef<str>>(&mut self, name: &str, help: &str, values: &[(L, f64)]) {
        self.family(name, "counter", help, values);
    }

    fn family<L: AsRef<str>>(&mut self, name: &str, kind: &str, help: &str, values: &[(L, f64)]) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in values {
            let labels = labels.as_ref();
            let _ = match labels.is_empty() {
                true => writeln!(self.0, "{name} {value}"),
                false => writeln!(self.0, "{name}{{{labels}}} {value}"),
            };
        }
    }

    /// `counts` has one class for each of [`CARD_SECONDS`] and one above; the format wants each to hold those before it.
    fn histogram(&mut self, name: &str, help: &str, counts: &[u64], sum: f64) {
        let bounds = CARD_SECONDS.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        let mut below = 0;
        let buckets: Vec<(String, f64)> = bounds
            .zip(counts)
            .map(|(bound, count)| {
                below += count;
                (format!("le=\"{bound}\""), below as f64)
            })
            .collect();
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} histogram");
        for (bound, count) in buckets {
            let _ = writeln!(self.0, "{name}_bucket{{{bound}}} {count}");
        }
        let _ = writeln!(self.0, "{name}_sum {sum}\n{name}_count {below}");
    }
}
