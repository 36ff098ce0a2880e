//! What a service says.

/// The end of its log file.
pub fn tail() -> Vec<String> {
    vec![
        "2026-11-21T14:59:01+08:00 INFO guida::app: service 0.1.0 started".into(),
        "2026-11-21T15:02:17+08:00 ERROR guida::inference: the model does not load: 内存不足".into(),
    ]
}
