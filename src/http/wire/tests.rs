use super::*;

fn head(text: &str) -> std::result::Result<Head, Code> {
    match parse_head(text.as_bytes()) {
        Ok(head) => Ok(head.expect("complete")),
        Err(NoRequest::Refused(e)) => Err(e.code()),
        Err(NoRequest::Closed) => panic!("closed"),
    }
}

#[test]
fn a_head_yields_path_query_and_body_kind() {
    let h = head("POST /a/b?x=1&y HTTP/1.1\r\nHost: h\r\ncontent-length: 12\r\nContent-Type: Application/JSON; charset=utf-8\r\n\r\n")
        .unwrap();
    assert_eq!((h.request.method, h.request.path.as_str(), h.request.query.as_str()), (Method::Post, "/a/b", "x=1&y"));
    assert_eq!(h.body, BodyKind::Sized(12));
    assert_eq!(h.request.media_type(), "application/json");
    assert!(h.request.keep_alive);
}

#[test]
fn an_incomplete_head_asks_for_more() {
    assert!(parse_head(b"GET / HTTP/1.1\r\nHos").unwrap().is_none());
    assert!(parse_head(b"").unwrap().is_none());
}

#[test]
fn connections_are_kept_as_http_says() {
    assert!(!head("GET / HTTP/1.0\r\n\r\n").unwrap().request.keep_alive);
    assert!(head("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").unwrap().request.keep_alive);
    assert!(!head("GET / HTTP/1.1\r\nHost: h\r\nConnection: foo, Close\r\n\r\n").unwrap().request.keep_alive);
}

#[test]
fn what_two_readers_could_read_differently_is_refused() {
    for fields in [
        "Content-Length: 1\r\nTransfer-Encoding: chunked",
        "Content-Length: 1\r\nContent-Length: 2",
        "Content-Length: +1",
        "Content-Length: -1",
        "Content-Length:",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\ntransfer-encoding: identity",
        "Host: h",
        "HOST: other",
    ] {
        let code = head(&format!("POST / HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\n")).err();
        assert_eq!(code, Some(Code::BadRequest), "{fields}");
    }
    assert_eq!(head("GET / HTTP/1.1\r\n\r\n").err(), Some(Code::BadRequest), "no Host");
    let old = head("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").err();
    assert_eq!(old, Some(Code::BadRequest), "HTTP/1.0 knows no chunks");
    for coding in ["gzip", "br", "identity\r\nContent-Encoding: deflate"] {
        let code = head(&format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: {coding}\r\n\r\n")).err();
        assert_eq!(code, Some(Code::UnsupportedMediaType), "{coding}");
    }
    assert!(head("POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: identity\r\n\r\n").is_ok());
    assert_eq!(head("GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n").err(), Some(Code::BadRequest));
}

#[test]
fn announced_sizes_beyond_the_limit_are_refused_unread() {
    for length in ["65537", "99999999999999999", "99999999999999999999999999999"] {
        let code = head(&format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n")).err();
        assert_eq!(code, Some(Code::BodyTooLarge), "{length}");
    }
    let many = "a: b\r\n".repeat(MAX_HEADER_FIELDS);
    assert_eq!(head(&format!("GET / HTTP/1.1\r\nHost: h\r\n{many}\r\n")).err(), Some(Code::HeadTooLarge));
}
