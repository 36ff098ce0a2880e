//! Who may do what: one exhaustive table, without a wildcard, so that a new request forces a decision.

use super::request::{Actor, Request, Role};
use crate::error::{Code, Error, Result};

/// Lets a request pass or denies it.
///
/// # Errors
/// `DENIED`.
pub fn authorise(actor: &Actor, request: &Request) -> Result<()> {
    let allowed = match (actor.role, request) {
        (Role::Teller | Role::Operator, Request::Ask(_)) => true,
        (Role::Teller | Role::Operator, Request::Search(_)) => true,
        (Role::Teller | Role::Operator, Request::Clause { .. }) => true,
        (Role::Teller | Role::Operator, Request::Documents { .. }) => true,
        (Role::Teller | Role::Operator, Request::Status) => true,
        (Role::Operator, Request::Review | Request::Accept(_) | Request::Import(_)) => true,
        (Role::Teller, Request::Review | Request::Accept(_) | Request::Import(_)) => false,
        (Role::Operator, Request::Overview | Request::Trace(_) | Request::Recent | Request::Branch) => true,
        (Role::Teller, Request::Overview | Request::Trace(_) | Request::Recent | Request::Branch) => false,
        (Role::Operator, Request::Difference | Request::Journal | Request::Sticks | Request::Model(_)) => true,
        (Role::Teller, Request::Difference | Request::Journal | Request::Sticks | Request::Model(_)) => false,
        (Role::Operator, Request::Log(_) | Request::Settings(_) | Request::Doctor) => true,
        (Role::Teller, Request::Log(_) | Request::Settings(_) | Request::Doctor) => false,
    };
    if allowed {
        return Ok(());
    }
    Err(Error::new(Code::Denied, "当前角色没有这项权限", "请联系网点管理员"))
}
