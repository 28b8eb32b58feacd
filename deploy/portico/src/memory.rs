//! Gives memory back that the process holds and does not need.

use std::time::Duration;

/// When the start is over, with all that it leads to.
const SETTLED: Duration = Duration::from_secs(5);

/// How often it is looked for memory that is free.
const FREE: Duration = Duration::from_secs(1);

/// Has the allocator give back what has been free for a second, as long as the
/// process lasts. By itself it looks only when something else happens, and keeps
/// until then what the last password took. To give it back at once would take time
/// from every request: what one has freed, the next one needs.
#[expect(unsafe_code, reason = "the allocator's functions have no safe form")]
pub(crate) async fn give_back_what_is_free() {
    loop {
        tokio::time::sleep(FREE).await;
        // SAFETY: any thread may call it at any time.
        unsafe { libmimalloc_sys::mi_collect(false) };
    }
}

/// Notes where the code and constants of the program and its libraries are: what
/// the loader mapped stays, while later something else may be where a file was
/// for a moment. To be called before there are other threads.
pub fn note_what_stays() {
    #[cfg(target_os = "linux")]
    code::note();
}

/// Gives back the pages of the code and constants of the program and its
/// libraries, once, after the start: most of them were used then and are not used
/// again. The kernel would take them when memory is short, but keeps them for the
/// process until then, rather than what others could use. Those that are needed
/// are mapped again at their first use, from the page cache.
pub(crate) async fn give_back_the_start() {
    tokio::time::sleep(SETTLED).await;
    #[cfg(target_os = "linux")]
    if let Err(error) = code::give_back() {
        tracing::debug!(%error, "the pages of the start are kept");
    }
}

#[cfg(target_os = "linux")]
mod code {
    use std::{fs, io, ops::Range, ptr, sync::OnceLock};

    use rustix::mm::{Advice, madvise};

    /// What was mapped before there were other threads.
    static STAYING: OnceLock<Vec<Range<usize>>> = OnceLock::new();

    pub(super) fn note() {
        // Without it, nothing is given back.
        let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
        STAYING.get_or_init(|| maps.lines().filter_map(as_in_file).collect());
    }

    #[expect(unsafe_code, reason = "advice to the kernel has no safe form")]
    pub(super) fn give_back() -> io::Result<()> {
        for range in STAYING.get().into_iter().flatten() {
            let start = ptr::with_exposed_provenance_mut(range.start);
            // SAFETY: the loader mapped a file there that nobody can write to,
            // which lasts as long as the process. What is read there after this
            // is what is in the file, as before.
            unsafe { madvise(start, range.len(), Advice::LinuxDontNeed) }?;
        }
        Ok(())
    }

    /// The addresses of a line of `/proc/self/maps` (proc_pid_maps(5)), if what is
    /// there is as in a file: code, or constants, with which a file of code
    /// begins. What can only be read further on was written at the start.
    fn as_in_file(line: &str) -> Option<Range<usize>> {
        let mut fields = line.split_ascii_whitespace();
        let (addresses, permissions, offset) = (fields.next()?, fields.next()?, fields.next()?);
        let is_constant = permissions == "r--p" && offset.bytes().all(|digit| digit == b'0');
        if !(permissions == "r-xp" || is_constant) || !line.contains(" /") {
            return None;
        }
        let (start, end) = addresses.split_once('-')?;
        let address = |text| usize::from_str_radix(text, 16).ok();
        Some(address(start)?..address(end)?)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn only_what_is_as_in_a_file_is_given_back() {
            let line = |rest: &str| format!("55d0c0000000-55d0c0a00000 {rest}");
            for same in [
                "r-xp 005ea000 fe:00 5377819                    /opt/my apps/portico",
                "r--p 00000000 fe:00 5377819                    /opt/my apps/portico",
                "r-xp 00026000 fe:00 1312                       /usr/lib/libc.so.6",
            ] {
                let range = as_in_file(&line(same));
                assert_eq!(range, Some(0x55d0_c000_0000..0x55d0_c0a0_0000), "{same}");
            }
            for other in [
                "rw-p 00000000 fe:00 5377819                    /opt/my apps/portico",
                "rw-p 01b64000 fe:00 5377819                    /opt/my apps/portico",
                "r--p 01aef000 fe:00 5377819                    /opt/my apps/portico",
                "r-xp 00000000 00:00 0                          [vdso]",
                "rw-p 00000000 00:00 0",
            ] {
                assert_eq!(as_in_file(&line(other)), None, "{other}");
            }
        }

        #[test]
        fn the_program_goes_on_after_its_code_was_given_back() {
            note();
            assert!(STAYING.get().is_some_and(|ranges| ranges.len() >= 2));
            give_back().expect("given back");
            let sum: u64 = (1..=10).product();
            assert_eq!(format!("{sum}"), "3628800");
        }
    }
}
