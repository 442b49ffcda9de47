//! gzip for large answers, when the client takes it.

use super::Body;
use super::body::Blocks;
use ::http::{HeaderMap, HeaderValue, Response, header};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// Answers below this many bytes go out as they are.
const THRESHOLD: usize = 128 * 1024;

/// True if the client takes gzip.
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| coding.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case("gzip")))
}

/// Compresses an answer if it is large. Lists are compressed block by block; streams are left alone.
pub fn compress(mut answer: Response<Body>) -> Response<Body> {
    if answer.headers().contains_key(header::CONTENT_ENCODING) {
        return answer;
    }
    let body = std::mem::replace(answer.body_mut(), Body::Empty);
    let (body, compressed) = match body {
        Body::Full(block) if block.len() >= THRESHOLD => (gzip_blocks(Box::new(std::iter::once(block))), true),
        Body::Blocks(mut blocks) => match (blocks.next(), blocks.next()) {
            (None, _) => (Body::Empty, false),
            (Some(only), None) if only.len() < THRESHOLD => (Body::Full(only), false),
            (Some(first), second) => (gzip_blocks(Box::new(std::iter::once(first).chain(second).chain(blocks))), true),
        },
        other => (other, false),
    };
    *answer.body_mut() = body;
    if compressed {
        answer.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        answer.headers_mut().append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        answer.headers_mut().remove(header::CONTENT_LENGTH);
    }
    answer
}

fn gzip_blocks(blocks: Blocks) -> Body {
    Body::Blocks(Box::new(Gzip { blocks, encoder: Some(GzEncoder::new(Vec::new(), Compression::fast())) }))
}

struct Gzip {
    blocks: Blocks,
    encoder: Option<GzEncoder<Vec<u8>>>,
}

impl Iterator for Gzip {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        loop {
            let encoder = self.encoder.as_mut()?;
            let Some(block) = self.blocks.next() else {
                let rest = self.encoder.take()?.finish().expect("writing to a Vec does not fail");
                return (!rest.is_empty()).then(|| rest.into());
            };
            encoder.write_all(&block).expect("writing to a Vec does not fail");
            let done = std::mem::take(encoder.get_mut());
            if !done.is_empty() {
                return Some(done.into());
            }
        }
    }
}
