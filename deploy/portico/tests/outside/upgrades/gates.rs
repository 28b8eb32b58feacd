//! An address for each service that leads to it only while it is ready: as a
//! headless Service of Kubernetes does, behind which other pods have no address.

use std::time::Duration;

use portico_chassis::serve::testing::free_address;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::{Installation, Plan, Rest, installation::SERVICES};

/// How often it is looked whether a service is ready.
const LOOK: Duration = Duration::from_millis(50);

pub(super) struct Gates(Vec<Gate>);

struct Gate {
    service: &'static str,
    address: String,
    leads_to: String,
}

/// Gates that are kept by somebody.
pub(super) struct Kept(Vec<JoinHandle<()>>);

impl Gates {
    /// Puts gates before the services of a plan.
    pub(super) fn before(plan: &mut Plan) -> Self {
        let mut gates = Vec::new();
        for service in SERVICES {
            let (name, address) = (service.to_uppercase(), free_address());
            plan.set(&format!("PORTICO_{name}_URL"), &format!("http://{address}"));
            gates.push(Gate {
                service,
                leads_to: plan.get(&format!("PORTICO_{name}_LISTEN")).to_owned(),
                address,
            });
        }
        Self(gates)
    }

    /// Keeps them for an installation.
    pub(super) fn keep(&self, installation: &Installation) -> Kept {
        let keep = |gate: &Gate| {
            let admin = Rest::new(&installation.admin_port(gate.service));
            let (address, leads_to) = (gate.address.clone(), gate.leads_to.clone());
            tokio::spawn(keep(admin, address, leads_to))
        };
        Kept(self.0.iter().map(keep).collect())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        for gate in &self.0 {
            gate.abort();
        }
    }
}

async fn keep(admin: Rest, address: String, leads_to: String) {
    let mut looks = tokio::time::interval(LOOK);
    let mut open: Option<TcpListener> = None;
    loop {
        looks.tick().await;
        let answer = admin.call("GET /readyz", &[], None).await;
        if !answer.is_ok_and(|answer| answer.status == 200) {
            open = None;
            continue;
        }
        let listener = match open.take() {
            Some(listener) => listener,
            None => TcpListener::bind(&address).await.expect("it is free"),
        };
        let accepted = tokio::time::timeout(LOOK, listener.accept()).await;
        open = Some(listener);
        if let Ok(Ok((mut inside, _))) = accepted {
            let leads_to = leads_to.clone();
            tokio::spawn(async move {
                if let Ok(mut outside) = TcpStream::connect(leads_to).await {
                    // It ends as either side ends it.
                    let _ = copy_bidirectional(&mut inside, &mut outside).await;
                }
            });
        }
    }
}
