//! The information block by which a stock Linux kernel takes a persistent
//! memory namespace for a devdax device: `struct nd_pfn_sb` of the kernel's
//! `drivers/nvdimm/pfn.h`.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// Where in the file the block is.
pub(crate) const BLOCK_OFFSET: u64 = 4096;

/// Where in the file the device's offset 0 is.
pub(crate) const DATA_OFFSET: u64 = 0x20_0000;

/// The length of the block.
pub(crate) const BLOCK: usize = 4096;

const SIGNATURE: &[u8; 16] = b"NVDIMM_DAX_INFO\0";
const PAGE: u64 = 4096;
/// The size of the pages in which the guest maps the device. Not 2 MiB: then a
/// process with `PR_SET_THP_DISABLE` gets SIGBUS from every access
/// (`dev_dax_huge_fault` in the kernel's `drivers/dax/device.c`), and `mariadbd`
/// is such a process.
const ALIGN: u32 = 4096;
const MODE_RAM: u32 = 1;
const CHECKSUM: usize = 4088;

/// The information block for a file of `file_size` bytes.
pub(crate) fn info_block(uuid: [u8; 16], file_size: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |offset: usize, bytes: &[u8]| block[offset..offset + bytes.len()].copy_from_slice(bytes);
    put(0, SIGNATURE);
    put(16, &uuid);
    put(52, &1_u16.to_le_bytes()); // version_major
    put(54, &4_u16.to_le_bytes()); // version_minor
    put(56, &DATA_OFFSET.to_le_bytes()); // dataoff
    put(64, &((file_size - DATA_OFFSET) / PAGE).to_le_bytes()); // npfns
    put(72, &MODE_RAM.to_le_bytes()); // mode
    put(84, &ALIGN.to_le_bytes()); // align
    put(88, &4096_u32.to_le_bytes()); // page_size
    put(92, &64_u16.to_le_bytes()); // page_struct_size
    let sum = fletcher64(&block);
    block[CHECKSUM..].copy_from_slice(&sum.to_le_bytes());
    block
}

/// The kernel's `nd_fletcher64` over little-endian words.
fn fletcher64(block: &[u8; BLOCK]) -> u64 {
    let (words, _) = block.as_chunks::<4>();
    let (mut low, mut high) = (0_u32, 0_u32);
    for word in words {
        low = low.wrapping_add(u32::from_le_bytes(*word));
        high = high.wrapping_add(low);
    }
    u64::from(high) << 32 | u64::from(low)
}

/// The size of a devdax device in bytes, as sysfs tells it.
pub(crate) fn device_size(path: &Path) -> io::Result<u64> {
    let metadata = fs::metadata(path)?;
    if !metadata.file_type().is_char_device() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a character device",
        ));
    }
    let (major, minor) = (
        rustix::fs::major(metadata.rdev()),
        rustix::fs::minor(metadata.rdev()),
    );
    // The device number leads to the device whatever its node is called.
    let text = fs::read_to_string(format!("/sys/dev/char/{major}:{minor}/size"))?;
    let bad = |_| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("its size in sysfs is {:?}", text.trim()),
        )
    };
    text.trim().parse().map_err(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_has_the_kernels_layout() {
        let block = info_block([7; 16], 64 << 20);
        assert_eq!(&block[..16], b"NVDIMM_DAX_INFO\0");
        assert_eq!(block[16..32], [7; 16]);
        assert_eq!(block[32..52], [0; 20]);
        assert_eq!(block[52..56], [1, 0, 4, 0]);
        assert_eq!(block[56..64], [0, 0, 0x20, 0, 0, 0, 0, 0]);
        // (64 MiB - 2 MiB) / 4096 = 15872
        assert_eq!(block[64..72], [0, 0x3e, 0, 0, 0, 0, 0, 0]);
        assert_eq!(block[72..84], [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(block[84..94], [0, 0x10, 0, 0, 0, 0x10, 0, 0, 64, 0]);
        assert!(block[94..4088].iter().all(|&byte| byte == 0));
    }

    #[test]
    fn the_checksum_is_the_kernels() {
        // By an independent calculation (Python, from the kernel's C).
        let block = info_block([7; 16], 64 << 20);
        assert_eq!(
            u64::from_le_bytes(block[4088..].try_into().unwrap()),
            INDEPENDENT_SUM
        );
    }

    const INDEPENDENT_SUM: u64 = 0xd651_1ece_f392_bc88;
}
