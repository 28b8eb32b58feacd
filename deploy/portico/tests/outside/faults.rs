//! What becomes of calls, writes, mails and live changes while something that
//! Portico needs is killed, stands still, is slow, or is out of reach, and
//! afterwards. `deploy/faults.md` promises it, a row for each test of this
//! folder; see `table`.

mod calls;
mod listener;
mod proxy;
mod redis_server;
mod site;
mod table;
mod trial;
mod walk;
mod writers;

use self::{site::Fault, trial::play};

/// The tests of a dependency, named for what is wrong with it.
macro_rules! of {
    ($dependency:ident: $($name:ident $fault:ident),+) => {
        mod $dependency {
            use super::{Fault, play};

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    assert_eq!(stringify!($name), Fault::$fault.name());
                    play(stringify!($dependency), Fault::$fault).await;
                }
            )+
        }
    };
}

of!(postgres: killed Killed, stopped Stopped, slow Slow, refused Refused, silent Silent);
of!(users: killed Killed, stopped Stopped, slow Slow, refused Refused);
of!(projects: killed Killed, stopped Stopped, slow Slow, refused Refused);
of!(auth: killed Killed, stopped Stopped, slow Slow, refused Refused, silent Silent);
of!(notifications: killed Killed, stopped Stopped, slow Slow, refused Refused);
of!(gateway: killed Killed, stopped Stopped, slow Slow, refused Refused);
of!(redis: killed Killed, stopped Stopped, slow Slow, refused Refused, silent Silent);
of!(smtp: killed Killed, stopped Stopped, slow Slow, refused Refused);
