//! Request lines as some players send them: with characters that a URL may not hold (RFC 3986 §2), such as the quotes of CMCD
//! or of a steering request. They are percent-encoded before the request is parsed, which would refuse it.
//!
//! Only the first line of an HTTP/1 request is touched. To know where one begins, heads are read along and bodies of known
//! length are counted; on a connection whose bodies are not, or that changes its protocol, nothing is touched any more.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Longest beginning of a line that is looked at: that of every header that matters here.
const MAX_LINE: usize = 128;

/// What comes next on the connection.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Expected {
    RequestLine,
    /// Headers: the length of the body as far as they say, and whether it can be counted.
    Head {
        length: Option<u64>,
        countable: bool,
    },
    Body(u64),
    /// Whatever it is, it passes.
    Anything,
}

/// Follows the requests of one connection.
#[derive(Debug)]
struct Repair {
    expected: Expected,
    /// The beginning of the line that is being read.
    line: Vec<u8>,
}

impl Default for Repair {
    fn default() -> Self {
        Self { expected: Expected::RequestLine, line: Vec::new() }
    }
}

impl Repair {
    /// Reads what arrived; gives it repaired where it has to be.
    fn pass(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut repaired: Option<Vec<u8>> = None;
        let mut at = 0;
        while at < bytes.len() {
            let from = at;
            match self.expected {
                Expected::Anything => at = bytes.len(),
                Expected::Body(left) => {
                    let passing = left.min((bytes.len() - at) as u64);
                    at += passing as usize;
                    self.expected =
                        if passing == left { Expected::RequestLine } else { Expected::Body(left - passing) };
                }
                Expected::RequestLine | Expected::Head { .. } => {
                    let byte = bytes[at];
                    at += 1;
                    if byte == b'\n' {
                        self.end_line();
                    } else {
                        if self.line.len() < MAX_LINE {
                            self.line.push(byte);
                        }
                        if self.expected == Expected::RequestLine && matches!(byte, b'"' | b'<' | b'>' | b'`') {
                            let repaired = repaired.get_or_insert_with(|| bytes[..from].to_vec());
                            repaired.extend(format!("%{byte:02X}").bytes());
                            continue;
                        }
                    }
                }
            }
            if let Some(repaired) = &mut repaired {
                repaired.extend_from_slice(&bytes[from..at]);
            }
        }
        repaired
    }

    fn end_line(&mut self) {
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        self.expected = match self.expected {
            // Empty lines may come before a request.
            Expected::RequestLine if line.is_empty() => Expected::RequestLine,
            Expected::RequestLine if line.starts_with(b"PRI ") => Expected::Anything,
            Expected::Head { length, countable: true } if line.is_empty() => match length {
                None | Some(0) => Expected::RequestLine,
                Some(length) => Expected::Body(length),
            },
            Expected::Head { countable: false, .. } if line.is_empty() => Expected::Anything,
            Expected::Head { length, countable } => match header(line) {
                Some(Header::Length(said)) if length.is_none() => Expected::Head { length: Some(said), countable },
                Some(_) => Expected::Head { length, countable: false },
                None => Expected::Head { length, countable },
            },
            _ => Expected::Head { length: None, countable: true },
        };
        self.line.clear();
    }
}

/// A header that says how long a body is.
enum Header {
    Length(u64),
    /// Not to be counted.
    Other,
}

fn header(line: &[u8]) -> Option<Header> {
    if !matches!(line.first()?.to_ascii_lowercase(), b'c' | b't' | b'u') {
        return None;
    }
    let text = std::str::from_utf8(line).ok()?;
    let (name, value) = text.split_once(':')?;
    match name.trim().to_ascii_lowercase().as_str() {
        "content-length" => Some(value.trim().parse().map_or(Header::Other, Header::Length)),
        "transfer-encoding" | "upgrade" => Some(Header::Other),
        _ => None,
    }
}

/// A connection whose request lines are repaired as they are read.
pub(crate) struct Repaired<T> {
    inner: T,
    repair: Repair,
    /// Repaired bytes that found no room, and how many of them have been read since.
    waiting: (Vec<u8>, usize),
}

impl<T> Repaired<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self { inner, repair: Repair::default(), waiting: (Vec::new(), 0) }
    }

    fn hand_out(&mut self, buffer: &mut ReadBuf<'_>) {
        let (bytes, read) = &mut self.waiting;
        let some = buffer.remaining().min(bytes.len() - *read);
        buffer.put_slice(&bytes[*read..*read + some]);
        *read += some;
        if *read == bytes.len() {
            self.waiting = (Vec::new(), 0);
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Repaired<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.waiting.0.is_empty() {
            this.hand_out(buffer);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(context, buffer))?;
        if let Some(repaired) = this.repair.pass(&buffer.filled()[before..]) {
            buffer.set_filled(before);
            this.waiting = (repaired, 0);
            this.hand_out(buffer);
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Repaired<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    const TABLE: [(&str, &str); 7] = [
        ("GET /a?CMCD=sid=\"x\" HTTP/1.1\r\nA: \"b\"\r\n\r\n", "GET /a?CMCD=sid=%22x%22 HTTP/1.1\r\nA: \"b\"\r\n\r\n"),
        ("GET /a<b>`c HTTP/1.1\r\n\r\n", "GET /a%3Cb%3E%60c HTTP/1.1\r\n\r\n"),
        (
            "POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\n\"\"\n\"\"GET /\" HTTP/1.1\r\n\r\n",
            "POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\n\"\"\n\"\"GET /%22 HTTP/1.1\r\n\r\n",
        ),
        (
            "\r\nGET /\" HTTP/1.1\r\n\r\nGET /\" HTTP/1.1\r\n\r\n",
            "\r\nGET /%22 HTTP/1.1\r\n\r\nGET /%22 HTTP/1.1\r\n\r\n",
        ),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\"\r\nGET /\"",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\"\r\nGET /\"",
        ),
        (
            "POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n\"\"\"\"",
            "POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n\"\"\"\"",
        ),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\"\"", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\"\""),
    ];

    #[tokio::test]
    async fn only_request_lines_are_repaired_however_they_arrive() {
        for (sent, expected) in TABLE {
            for step in [1, 2, 7, 1_000] {
                let mut repair = Repair::default();
                let pieces = sent.as_bytes().chunks(step);
                let read: Vec<u8> =
                    pieces.flat_map(|piece| repair.pass(piece).unwrap_or_else(|| piece.to_vec())).collect();
                assert_eq!(String::from_utf8(read).unwrap(), expected, "{step}");
            }
            // Into buffers smaller than what is repaired.
            let mut connection = Repaired::new(tokio::io::join(sent.as_bytes(), tokio::io::sink()));
            let (mut read, mut buffer) = (Vec::new(), [0; 5]);
            loop {
                match connection.read(&mut buffer).await.unwrap() {
                    0 => break,
                    length => read.extend_from_slice(&buffer[..length]),
                }
            }
            assert_eq!(String::from_utf8(read).unwrap(), expected);
        }
    }
}
