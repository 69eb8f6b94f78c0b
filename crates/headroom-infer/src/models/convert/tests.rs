use super::*;
use expect_test::{Expect, expect};

/// A checkpoint with `layers` layers of `state` columns, every tensor filled with one 16-bit pattern.
fn checkpoint(state: u32, layers: u32) -> Vec<u8> {
    let mut tensors: Vec<(String, Vec<u32>)> = vec![
        ("decoder/embeddings/weight".into(), vec![8, state]),
        ("decoder/position_encodings/encodings".into(), vec![4, state]),
        ("encoder/position_encodings/encodings".into(), vec![6, state]),
        ("encoder/conv1/weight".into(), vec![state, 80, 3]),
        ("encoder/conv1/bias".into(), vec![state]),
        ("encoder/conv2/weight".into(), vec![state, state, 3]),
        ("encoder/conv2/bias".into(), vec![state]),
    ];
    let norm = |tensors: &mut Vec<(String, Vec<u32>)>, name: String| {
        tensors.push((format!("{name}/gamma"), vec![state]));
        tensors.push((format!("{name}/beta"), vec![state]));
    };
    let linear = |tensors: &mut Vec<(String, Vec<u32>)>, name: String, rows: u32, columns: u32| {
        tensors.push((format!("{name}/weight"), vec![rows, columns]));
        tensors.push((format!("{name}/bias"), vec![rows]));
    };
    for side in ["encoder", "decoder"] {
        norm(&mut tensors, format!("{side}/layer_norm"));
        for i in 0..layers {
            let layer = format!("{side}/layer_{i}");
            linear(&mut tensors, format!("{layer}/self_attention/linear_0"), 3 * state, state);
            linear(&mut tensors, format!("{layer}/self_attention/linear_1"), state, state);
            norm(&mut tensors, format!("{layer}/self_attention/layer_norm"));
            if side == "decoder" {
                linear(&mut tensors, format!("{layer}/attention/linear_0"), state, state);
                linear(&mut tensors, format!("{layer}/attention/linear_1"), 2 * state, state);
                linear(&mut tensors, format!("{layer}/attention/linear_2"), state, state);
                norm(&mut tensors, format!("{layer}/attention/layer_norm"));
            }
            linear(&mut tensors, format!("{layer}/ffn/linear_0"), 4 * state, state);
            linear(&mut tensors, format!("{layer}/ffn/linear_1"), state, 4 * state);
            norm(&mut tensors, format!("{layer}/ffn/layer_norm"));
        }
    }
    let string = |text: &str| [&(text.len() as u16 + 1).to_le_bytes()[..], text.as_bytes(), b"\0"].concat();
    let mut bytes = [&6_u32.to_le_bytes()[..], &string("WhisperSpec"), &3_u32.to_le_bytes()].concat();
    bytes.extend((tensors.len() as u32).to_le_bytes());
    for (number, (name, dimensions)) in tensors.iter().enumerate() {
        bytes.extend(string(name));
        bytes.push(dimensions.len() as u8);
        dimensions.iter().for_each(|d| bytes.extend(d.to_le_bytes()));
        bytes.push(4);
        let elements: u32 = dimensions.iter().product();
        bytes.extend((elements * 2).to_le_bytes());
        // 1.0 and the next floats: each tensor has its own.
        (0..elements).for_each(|_| bytes.extend((0x3c00 + number as u16).to_le_bytes()));
    }
    bytes
}

fn vocabulary() -> String {
    (0..50_257).map(|i| if i == 50_256 { "<|endoftext|>\n".to_owned() } else { format!("Ġ{i}\n") }).collect()
}

/// Names, dimensions and first elements of the tensors in a converted file, as a loader would read them.
fn read_back(bytes: &[u8]) -> String {
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let mut lines = format!("{:?}\n", (0..12).map(|i| number(i * 4)).collect::<Vec<_>>());
    let mut at = 12 * 4 + 8 + mel::MELS * mel::BINS * 4;
    let tokens = number(at);
    at += 4;
    for _ in 0..tokens {
        at += 4 + number(at) as usize;
    }
    while at < bytes.len() {
        let (rank, length, kind) = (number(at) as usize, number(at + 4) as usize, number(at + 8));
        at += 12;
        let dimensions: Vec<u32> = (0..rank).map(|i| number(at + i * 4)).collect();
        at += rank * 4;
        let name = std::str::from_utf8(&bytes[at..at + length]).unwrap();
        at += length;
        let size = dimensions.iter().product::<u32>() as usize * if kind == 1 { 2 } else { 4 };
        let first = if kind == 1 {
            ggml::widen(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()))
        } else {
            f32::from_bits(number(at))
        };
        lines += &format!("{name} {dimensions:?} {kind} #{:.0}\n", (first - 1.0) * 1024.0);
        at += size;
    }
    lines
}

fn check(state: u32, layers: u32, expected: Expect) {
    let mut out = Vec::new();
    convert(&checkpoint(state, layers), &vocabulary(), &mut out).unwrap();
    expected.assert_eq(&read_back(&out));
}

#[test]
fn tensors_change_names_and_stacked_ones_are_cut_apart() {
    check(
        64,
        1,
        expect![[r#"
        [1734831468, 8, 6, 64, 1, 1, 4, 64, 1, 1, 80, 1]
        encoder.positional_embedding [64, 6] 0 #2
        encoder.conv1.weight [3, 80, 64] 1 #3
        encoder.conv1.bias [1, 64] 0 #4
        encoder.conv2.weight [3, 64, 64] 1 #5
        encoder.conv2.bias [1, 64] 0 #6
        encoder.blocks.0.attn.query.weight [64, 64] 1 #9
        encoder.blocks.0.attn.query.bias [64] 0 #10
        encoder.blocks.0.attn.key.weight [64, 64] 1 #9
        encoder.blocks.0.attn.value.weight [64, 64] 1 #9
        encoder.blocks.0.attn.value.bias [64] 0 #10
        encoder.blocks.0.attn.out.weight [64, 64] 1 #11
        encoder.blocks.0.attn.out.bias [64] 0 #12
        encoder.blocks.0.attn_ln.weight [64] 0 #13
        encoder.blocks.0.attn_ln.bias [64] 0 #14
        encoder.blocks.0.mlp.0.weight [64, 256] 1 #15
        encoder.blocks.0.mlp.0.bias [256] 0 #16
        encoder.blocks.0.mlp.2.weight [256, 64] 1 #17
        encoder.blocks.0.mlp.2.bias [64] 0 #18
        encoder.blocks.0.mlp_ln.weight [64] 0 #19
        encoder.blocks.0.mlp_ln.bias [64] 0 #20
        encoder.ln_post.weight [64] 0 #7
        encoder.ln_post.bias [64] 0 #8
        decoder.positional_embedding [64, 4] 0 #1
        decoder.token_embedding.weight [64, 8] 1 #0
        decoder.blocks.0.attn.query.weight [64, 64] 1 #23
        decoder.blocks.0.attn.query.bias [64] 0 #24
        decoder.blocks.0.attn.key.weight [64, 64] 1 #23
        decoder.blocks.0.attn.value.weight [64, 64] 1 #23
        decoder.blocks.0.attn.value.bias [64] 0 #24
        decoder.blocks.0.attn.out.weight [64, 64] 1 #25
        decoder.blocks.0.attn.out.bias [64] 0 #26
        decoder.blocks.0.attn_ln.weight [64] 0 #27
        decoder.blocks.0.attn_ln.bias [64] 0 #28
        decoder.blocks.0.cross_attn.query.weight [64, 64] 1 #29
        decoder.blocks.0.cross_attn.query.bias [64] 0 #30
        decoder.blocks.0.cross_attn.key.weight [64, 64] 1 #31
        decoder.blocks.0.cross_attn.value.weight [64, 64] 1 #31
        decoder.blocks.0.cross_attn.value.bias [64] 0 #32
        decoder.blocks.0.cross_attn.out.weight [64, 64] 1 #33
        decoder.blocks.0.cross_attn.out.bias [64] 0 #34
        decoder.blocks.0.cross_attn_ln.weight [64] 0 #35
        decoder.blocks.0.cross_attn_ln.bias [64] 0 #36
        decoder.blocks.0.mlp.0.weight [64, 256] 1 #37
        decoder.blocks.0.mlp.0.bias [256] 0 #38
        decoder.blocks.0.mlp.2.weight [256, 64] 1 #39
        decoder.blocks.0.mlp.2.bias [64] 0 #40
        decoder.blocks.0.mlp_ln.weight [64] 0 #41
        decoder.blocks.0.mlp_ln.bias [64] 0 #42
        decoder.ln.weight [64] 0 #21
        decoder.ln.bias [64] 0 #22
    "#]],
    );
}

#[test]
fn a_broken_checkpoint_is_an_error_at_every_length() {
    let bytes = checkpoint(64, 1);
    for length in (0..2_000).chain((2_000..bytes.len()).step_by(9_973)) {
        assert!(convert(&bytes[..length], "", &mut Vec::new()).is_err(), "{length} bytes");
    }
    for (at, byte) in [(0, 4), (6, b'w'), (22, 255), (25, 255), (27, 255)] {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        assert!(convert(&bytes, &vocabulary(), &mut Vec::new()).is_err(), "byte {at}");
    }
}

#[test]
fn half_floats_widen_exactly() {
    for (half, expected) in [
        (0x0000, 0.0),
        (0x8000, -0.0),
        (0x3c00, 1.0),
        (0xc000, -2.0),
        (0x3555, 0.333_251_95),
        (0x7bff, 65_504.0),
        (0x0001, 5.960_464_5e-8),
        (0x83ff, -6.097_555e-5),
        (0x0400, 6.103_515_6e-5),
        (0x7c00, f32::INFINITY),
    ] {
        let widened: f32 = ggml::widen(half);
        assert_eq!(widened.to_bits(), f32::to_bits(expected), "{half:#06x}");
    }
    assert!(ggml::widen(0x7e00).is_nan());
}

#[test]
fn mel_filters_are_triangles_of_equal_area() {
    let filters = mel::filters();
    // The first triangle ends at 74 Hz: of its bins (0, 40, 80 Hz) only one has weight.
    assert_eq!(filters[0][..3], [0.0, 0.024_862_595, 0.0]);
    for (i, filter) in filters.iter().enumerate() {
        let peaks = filter.windows(3).filter(|w| w[0] < w[1] && w[1] >= w[2]).count();
        assert_eq!(peaks, 1, "filter {i}");
    }
    // Above the break the triangles are wide enough for their sampled area to be 1.
    let area: f32 = filters[79].iter().sum::<f32>() * 40.0;
    assert!((area - 1.0).abs() < 0.01, "{area}");
}
