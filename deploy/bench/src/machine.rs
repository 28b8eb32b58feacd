//! What the machine tells of processes, and of itself.

use std::{
    collections::HashMap,
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    thread,
    time::Duration,
};

use anyhow::Context as _;

/// Clock ticks a second in /proc: USER_HZ, which is 100 on all of Linux.
const TICK: Duration = Duration::from_millis(10);
/// What starts others and waits for them, so that it is not measured.
const SHELL: &str = "bash";

/// A line of /proc/…/stat.
struct Stat {
    name: String,
    parent: u32,
    /// The CPU time of the process itself.
    own: Duration,
    /// That of its children which have ended.
    ended: Duration,
}

/// The CPU time of this very process.
pub(crate) fn own_cpu_time() -> anyhow::Result<Duration> {
    Ok(stat("self").context("no process")?.own)
}

/// The CPU time of a process and of all that it has started, without shells.
pub(crate) fn cpu_time(process: u32) -> Duration {
    family(process)
        .values()
        .map(|stat| stat.own + stat.ended)
        .sum()
}

/// The CPU time so far of a process's threads of this name.
pub(crate) fn cpu_time_of_threads(process: u32, name: &str) -> anyhow::Result<Duration> {
    let mut time = Duration::ZERO;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let thread = thread?.path();
        // One that has just ended has none.
        let read = |file| fs::read_to_string(thread.join(file)).unwrap_or_default();
        if read("comm").trim_end() == name {
            let on_cpu = read("schedstat").split(' ').next().map(str::parse);
            time += Duration::from_nanos(on_cpu.and_then(Result::ok).unwrap_or(0));
        }
    }
    Ok(time)
}

/// The memory in MB (10⁶ bytes, as the goals are stated) of a process and of
/// all that it has started, without shells. That of one process is what is
/// resident; that of several counts once what they share.
pub(crate) fn memory(process: u32) -> anyhow::Result<f64> {
    let family: Vec<u32> = family(process).into_keys().collect();
    let mut kib = 0.0;
    for member in &family {
        let (file, field) = match family.len() {
            1 => ("status", "VmRSS:"),
            _ => ("smaps_rollup", "Pss:"),
        };
        // One that has just ended has none.
        let Ok(text) = fs::read_to_string(format!("/proc/{member}/{file}")) else {
            continue;
        };
        kib += kib_of(&text, field).unwrap_or_default();
    }
    anyhow::ensure!(kib > 0.0, "the process {process} does not run");
    Ok(kib * 1024.0 / 1e6)
}

/// Has the greatest memory of a process be that from now on, as Linux keeps it
/// (proc_pid_clear_refs(5)): to look at it again and again would take time from
/// what is measured.
pub(crate) fn forget_greatest_memory(process: u32) -> anyhow::Result<()> {
    let file = format!("/proc/{process}/clear_refs");
    fs::write(&file, "5").with_context(|| format!("cannot write {file}"))
}

/// The greatest resident memory in MB of a process since then.
pub(crate) fn greatest_memory(process: u32) -> anyhow::Result<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/status"))?;
    let kib = kib_of(&text, "VmHWM:").context("no greatest memory")?;
    Ok(kib * 1024.0 / 1e6)
}

/// How many processors there are, and which.
pub(crate) fn processors() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| {
        let (name, model) = line.split_once(':')?;
        (name.trim() == "model name").then(|| model.trim().to_owned())
    });
    format!(
        "{cores} × {}",
        model.as_deref().unwrap_or("unknown processor")
    )
}

/// Addresses that nobody listens on.
pub(crate) fn free_addresses<const COUNT: usize>() -> anyhow::Result<[SocketAddr; COUNT]> {
    let mut listeners = Vec::new();
    let mut addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); COUNT];
    for address in &mut addresses {
        // All are held until the last one is found, so that they differ.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        *address = listener.local_addr()?;
        listeners.push(listener);
    }
    Ok(addresses)
}

fn family(root: u32) -> HashMap<u32, Stat> {
    let mut all = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let number = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let Some(number) = number else { continue };
        // It may have ended since it was listed.
        if let Some(stat) = stat(&u32::to_string(&number)) {
            all.insert(number, stat);
        }
    }
    let mut members = vec![root];
    let mut next = 0;
    while let Some(&parent) = members.get(next) {
        next += 1;
        members.extend(
            all.iter()
                .filter_map(|(number, stat)| (stat.parent == parent).then_some(*number)),
        );
    }
    all.retain(|number, stat| members.contains(number) && stat.name != SHELL);
    all
}

fn stat(process: &str) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

/// The second field is the name, in parentheses, in which anything may stand.
fn parse_stat(text: &str) -> Option<Stat> {
    let (start, fields) = text.rsplit_once(") ")?;
    let (_, name) = start.split_once('(')?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let number = |place: usize| fields.get(place)?.parse::<u32>().ok();
    Some(Stat {
        name: name.to_owned(),
        parent: number(1)?,
        own: TICK * (number(11)? + number(12)?),
        ended: TICK * (number(13)? + number(14)?),
    })
}

fn kib_of(text: &str, field: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name() {
        let line = "42 (a) (b) S 7 42 42 0 -1 4194560 1 2 0 0 150 50 20 10 20 0 1 0 99";
        let stat = parse_stat(line).expect("a process");
        assert_eq!((stat.name.as_str(), stat.parent), ("a) (b", 7));
        assert_eq!(stat.own, Duration::from_secs(2));
        assert_eq!(stat.ended, Duration::from_millis(300));
    }

    #[test]
    fn memory_is_read_from_its_line() {
        let text = "Rss:  900 kB\nPss:   512 kB\nPss_Dirty:  1 kB\n";
        assert_eq!(kib_of(text, "Pss:"), Some(512.0));
        assert_eq!(kib_of(text, "VmRSS:"), None);
    }

    #[test]
    fn this_process_takes_memory_and_time() {
        assert!(memory(std::process::id()).expect("memory") > 1.0);
        own_cpu_time().expect("a time");
    }

    #[test]
    fn free_addresses_differ() {
        let [first, second] = free_addresses().expect("addresses");
        assert_ne!(first, second);
    }
}
