//! The memory of a hash, in large pages where the system has some: to map and to
//! clear it in small ones takes half as long as the hash itself.

use argon2::Block;
use memmap2::MmapMut;

/// The size of a large page, in bytes, where a small one has 4 KiB.
const LARGE_PAGE: usize = 2 << 20;

/// Memory for one hash after the other; at first there is none.
#[derive(Default)]
pub(super) struct Memory {
    map: Option<MmapMut>,
    /// The blocks that it was made for.
    count: usize,
}

impl Memory {
    /// How many blocks it was made for.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// So many blocks, whatever is in them.
    ///
    /// # Panics
    ///
    /// If the system gives no memory.
    #[expect(clippy::expect_used, reason = "who waits for the hash is told")]
    #[expect(unsafe_code, reason = "there is no safe form to see bytes as blocks")]
    pub(super) fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.count < count {
            // The old one first, so that there are never two.
            *self = Self::default();
            let map = map(count * Block::SIZE).expect("memory for a hash");
            (self.map, self.count) = (Some(map), count);
        }
        let bytes = self.map.as_deref_mut().unwrap_or_default();
        // SAFETY: a block is an array of numbers, which any bytes are.
        let (_, blocks, _) = unsafe { bytes.align_to_mut() };
        &mut blocks[..count]
    }
}

/// So many bytes at the beginning of a page.
fn map(length: usize) -> std::io::Result<MmapMut> {
    if length < LARGE_PAGE {
        return MmapMut::map_anon(length);
    }
    let map = MmapMut::map_anon(length.next_multiple_of(LARGE_PAGE))?;
    #[cfg(target_os = "linux")]
    if let Err(error) = large_pages::fill(&map) {
        tracing::debug!(%error, "the memory of a hash is in small pages");
    }
    Ok(map)
}

#[cfg(target_os = "linux")]
mod large_pages {
    use std::{
        io,
        sync::{Mutex, PoisonError},
    };

    use memmap2::{Advice, MmapMut};
    use rustix::thread::{disable_transparent_huge_pages, transparent_huge_pages_are_disabled};

    /// The allocator has the process do without large pages, in which little
    /// takes a lot. This is allowed to have them for as long as it is filled.
    pub(super) fn fill(map: &MmapMut) -> io::Result<()> {
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        map.advise(Advice::HugePage)?;
        let are_disabled = transparent_huge_pages_are_disabled()?;
        disable_transparent_huge_pages(false)?;
        let filled = map.advise(Advice::PopulateWrite);
        disable_transparent_huge_pages(are_disabled)?;
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_and_is_kept() {
        let mut memory = Memory::default();
        for (asked, kept) in [(8, 8), (4, 8), (3000, 3000), (8, 3000)] {
            let blocks = memory.blocks(asked);
            assert_eq!(blocks.len(), asked);
            blocks.fill(Block::new());
            assert_eq!(memory.len(), kept);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn it_is_there_at_once_and_in_large_pages_if_the_system_has_some() {
        use rustix::thread::{disable_transparent_huge_pages, transparent_huge_pages_are_disabled};

        // As the allocator has it.
        disable_transparent_huge_pages(true).expect("disabled");
        let mut memory = Memory::default();
        let start = memory.blocks(4000).as_ptr().addr();
        assert!(transparent_huge_pages_are_disabled().expect("read"));
        let maps = std::fs::read_to_string("/proc/self/smaps").expect("read");
        // It may be seen as one with its neighbours.
        let of_memory = maps.lines().skip_while(|line| {
            let range = line.split(' ').next().and_then(|it| it.split_once('-'));
            let range = range.map(|(from, to)| [from, to].map(|it| usize::from_str_radix(it, 16)));
            !matches!(range, Some([Ok(from), Ok(to)]) if (from..to).contains(&start))
        });
        let field = |name: &str| {
            let value = of_memory.clone().find_map(|line| line.strip_prefix(name));
            value.expect("a field").trim().to_owned()
        };
        let resident = field("Rss:").replace(" kB", "");
        assert!(resident.parse::<u32>().expect("a number") >= 4096);
        assert!(field("VmFlags:").split(' ').any(|flag| flag == "hg"));
    }
}
