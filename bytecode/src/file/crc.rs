//! CRC-32C (Castagnoli), eight bytes at a step.

const POLYNOMIAL: u32 = 0x82f6_3b78;

/// `TABLES[k][b]`: the sum of byte `b` followed by `k` zero bytes.
static TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0u32; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 {
                sum >> 1 ^ POLYNOMIAL
            } else {
                sum >> 1
            };
            bit += 1;
        }
        tables[0][byte] = sum;
        byte += 1;
    }
    let mut k = 1;
    while k < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[k - 1][byte];
            tables[k][byte] = before >> 8 ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        k += 1;
    }
    tables
}

/// Continues `crc` (0 at first) over `bytes`.
pub(super) fn update(crc: u32, bytes: &[u8]) -> u32 {
    let mut sum = !crc;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let low = sum ^ u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
        let at = |k: usize, byte: u32| TABLES[k][(byte & 0xff) as usize];
        sum = at(7, low)
            ^ at(6, low >> 8)
            ^ at(5, low >> 16)
            ^ at(4, low >> 24)
            ^ at(3, u32::from(chunk[4]))
            ^ at(2, u32::from(chunk[5]))
            ^ at(1, u32::from(chunk[6]))
            ^ at(0, u32::from(chunk[7]));
    }
    for &byte in chunks.remainder() {
        sum = sum >> 8 ^ TABLES[0][((sum ^ u32::from(byte)) & 0xff) as usize];
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::update;

    #[test]
    fn check_value() {
        assert_eq!(update(0, b"123456789"), 0xe306_9283);
        assert_eq!(update(update(0, b"12345"), b"6789"), 0xe306_9283);
        assert_eq!(update(0, &[0; 32]), 0x8a91_36aa);
    }
}
