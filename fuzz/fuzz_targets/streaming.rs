//! Any bytes are frames of SPDY or an error, however they are cut; any message is one of a channel or an error.
#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use streaming::channels::Codec;
use streaming::spdy::frame::Decoder;

fuzz_target!(|bytes: &[u8]| {
    let step = usize::from(bytes.first().copied().unwrap_or(1)).max(1);
    let (mut decoder, mut waiting) = (Decoder::default(), BytesMut::new());
    'parts: for part in bytes.chunks(step) {
        waiting.extend_from_slice(part);
        loop {
            match decoder.decode(&mut waiting) {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => break 'parts,
            }
        }
    }
    let message = Bytes::copy_from_slice(bytes);
    for codec in [Codec::Binary, Codec::BinaryWithClose, Codec::Base64] {
        let _ = codec.decode(&message);
    }
});
