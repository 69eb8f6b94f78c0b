//! H.264 pictures that cost next to nothing to decode (ITU-T H.264, constrained baseline): a first picture of raw samples
//! (I_PCM), then pictures in which every macroblock is skipped.

/// Samples of a macroblock's side.
const MACROBLOCK: u16 = 16;
/// Frame numbers count modulo this (`log2_max_frame_num` of 4).
const FRAME_NUMBERS: u32 = 16;
const NAL_SEQUENCE_PARAMETERS: u8 = 0x67;
const NAL_PICTURE_PARAMETERS: u8 = 0x68;
const NAL_KEY_PICTURE: u8 = 0x65;
const NAL_PICTURE: u8 = 0x41;
/// Profile, constraints and level: constrained baseline, level 3.
pub(super) const PROFILE: [u8; 3] = [0x42, 0xC0, 0x1E];
/// The brightest value of luma in broadcast range.
const WHITE: u8 = 235;

/// A picture's size in macroblocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    columns: u16,
    rows: u16,
}

impl Size {
    /// At least one macroblock each way.
    pub(super) fn new(columns: u16, rows: u16) -> Self {
        Self { columns: columns.max(1), rows: rows.max(1) }
    }

    /// Samples of luma across.
    pub(super) fn width(self) -> u16 {
        self.columns * MACROBLOCK
    }

    /// Samples of luma down.
    pub(super) fn height(self) -> u16 {
        self.rows * MACROBLOCK
    }
}

/// Sequence parameter set, as a NAL unit.
pub(super) fn sequence_parameters(size: Size) -> Vec<u8> {
    let mut bits = Bits::default();
    PROFILE.into_iter().for_each(|byte| bits.put(u32::from(byte), 8));
    bits.exp_golomb(0); // seq_parameter_set_id
    bits.exp_golomb(0); // log2_max_frame_num_minus4
    bits.exp_golomb(2); // pic_order_cnt_type: output in the order of decoding
    bits.exp_golomb(1); // max_num_ref_frames
    bits.put(0, 1); // gaps_in_frame_num_value_allowed_flag
    bits.exp_golomb(u32::from(size.columns) - 1);
    bits.exp_golomb(u32::from(size.rows) - 1);
    bits.put(0b11, 2); // frame_mbs_only_flag, direct_8x8_inference_flag
    bits.put(0, 2); // frame_cropping_flag, vui_parameters_present_flag
    bits.nal(NAL_SEQUENCE_PARAMETERS)
}

/// Picture parameter set, as a NAL unit.
pub(super) fn picture_parameters() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.exp_golomb(0); // pic_parameter_set_id
    bits.exp_golomb(0); // seq_parameter_set_id
    bits.put(0, 2); // entropy_coding_mode_flag: CAVLC; bottom_field_pic_order_in_frame_present_flag
    bits.exp_golomb(0); // num_slice_groups_minus1
    bits.exp_golomb(0); // num_ref_idx_l0_default_active_minus1
    bits.exp_golomb(0); // num_ref_idx_l1_default_active_minus1
    bits.put(0, 3); // weighted_pred_flag, weighted_bipred_idc
    (0..3).for_each(|_| bits.exp_golomb(0)); // pic_init_qp_minus26, pic_init_qs_minus26, chroma_qp_index_offset
    bits.put(0b100, 3); // deblocking_filter_control_present_flag; constrained_intra_pred_flag; redundant_pic_cnt_present_flag
    bits.nal(NAL_PICTURE_PARAMETERS)
}

/// The first picture of a segment: one colour for the rung, and a bright block that moves with the number of the segment.
pub(super) fn key_picture(size: Size, rung: u8, segment: u64) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.exp_golomb(0); // first_mb_in_slice
    bits.exp_golomb(7); // slice_type: I, all of the picture
    bits.exp_golomb(0); // pic_parameter_set_id
    bits.put(0, 4); // frame_num
    bits.exp_golomb((segment % 2) as u32); // idr_pic_id: another than that of the key picture before
    bits.put(0, 2); // no_output_of_prior_pics_flag, long_term_reference_flag
    bits.exp_golomb(0); // slice_qp_delta
    bits.exp_golomb(1); // disable_deblocking_filter_idc
    let bright = (segment % u64::from(size.columns)) as u16;
    let shade = rung % 16;
    for row in 0..size.rows {
        for column in 0..size.columns {
            bits.exp_golomb(25); // mb_type: I_PCM
            bits.align();
            let luma = if row == 0 && column == bright { WHITE } else { 60 + 8 * shade };
            bits.bytes.extend_from_slice(&[luma; 256]);
            bits.bytes.extend_from_slice(&[80 + 10 * (shade % 8); 64]);
            bits.bytes.extend_from_slice(&[170 - 10 * (shade % 8); 64]);
        }
    }
    bits.nal(NAL_KEY_PICTURE)
}

/// The `index`th picture after a key picture, from 1: the same as the one before.
pub(super) fn same_picture(size: Size, index: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.exp_golomb(0); // first_mb_in_slice
    bits.exp_golomb(5); // slice_type: P, all of the picture
    bits.exp_golomb(0); // pic_parameter_set_id
    bits.put(index % FRAME_NUMBERS, 4); // frame_num
    bits.put(0, 3); // no override of references, no modification of their list, no marking
    bits.exp_golomb(0); // slice_qp_delta
    bits.exp_golomb(1); // disable_deblocking_filter_idc
    bits.exp_golomb(u32::from(size.columns) * u32::from(size.rows)); // mb_skip_run
    bits.nal(NAL_PICTURE)
}

/// Bits of a NAL unit's payload.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Bits of the last byte that are still to be written.
    free: u32,
}

impl Bits {
    /// The lowest `count` bits of a value, highest first.
    fn put(&mut self, value: u32, count: u32) {
        for bit in (0..count).rev() {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            self.free -= 1;
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> bit & 1) as u8) << self.free;
            }
        }
    }

    /// An unsigned Exp-Golomb code (clause 9.1).
    fn exp_golomb(&mut self, value: u32) {
        let length = (value + 1).ilog2() + 1;
        self.put(0, length - 1);
        self.put(value + 1, length);
    }

    /// Zero bits up to the next byte.
    fn align(&mut self) {
        self.free = 0;
    }

    /// The unit: header, payload with its stop bit, and a byte put in wherever the payload looks like a start code
    /// (clause 7.4.1).
    fn nal(mut self, header: u8) -> Vec<u8> {
        self.put(1, 1);
        let mut unit = vec![header];
        let mut zeros = 0;
        for byte in self.bytes {
            if zeros == 2 && byte <= 3 {
                unit.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            unit.push(byte);
        }
        unit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // Table 9-2: value, its bits.
        for (value, expected) in [(0, "1"), (1, "010"), (2, "011"), (3, "00100"), (7, "0001000"), (25, "000011010")] {
            let mut bits = Bits::default();
            bits.exp_golomb(value);
            let length = bits.bytes.len() as u32 * 8 - bits.free;
            let text: String = bits.bytes.iter().map(|byte| format!("{byte:08b}")).collect();
            assert_eq!(&text[..length as usize], expected, "{value}");
        }
    }

    #[test]
    fn no_unit_holds_a_start_code() {
        let size = Size::new(4, 8);
        let mut units = vec![sequence_parameters(size), picture_parameters(), key_picture(size, 3, 7)];
        units.extend((1..20).map(|index| same_picture(size, index)));
        for unit in &units {
            assert!(unit.windows(3).all(|three| three[0] != 0 || three[1] != 0 || three[2] > 2), "{unit:02x?}");
        }
        let mut bits = Bits::default();
        (0..4).for_each(|_| bits.put(0, 8));
        assert_eq!(bits.nal(1), [1, 0, 0, 3, 0, 0, 0x80]);
    }
}
