//! A way over TCP that can be slow, closed, or silent.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream, tcp},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// How it goes with what is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Open,
    /// Everything takes so much longer, in each direction.
    Slow(Duration),
    /// Connections end, and new ones are refused.
    Closed,
    /// Nothing arrives any more, and nobody is told. The connections that there
    /// are stay so for ever, as where a firewall has forgotten them.
    Silent,
}

#[derive(Debug, Clone, Copy)]
struct State {
    way: Way,
    target: SocketAddr,
    /// How often the connections fell silent.
    silences: u32,
}

/// A place that connects to another one. It is gone with the test at the latest.
pub(super) struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    /// Keeps the port while nobody listens there.
    _reserved: TcpSocket,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub(super) fn to(target: &str) -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let reserved = bound(any_port).expect("a free port");
        let address = reserved.local_addr().expect("it is bound");
        let state = State {
            way: Way::Open,
            target: target.parse().expect("an address"),
            silences: 0,
        };
        let state = watch::Sender::new(state);
        let accepting = tokio::spawn(accept(address, state.subscribe()));
        Self {
            address,
            state,
            _reserved: reserved,
            accepting,
        }
    }

    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(super) fn set(&self, way: Way) {
        self.state.send_modify(|state| {
            state.way = way;
            state.silences += u32::from(way == Way::Silent);
        });
    }

    /// New connections lead to another place.
    pub(super) fn lead_to(&self, target: &str) {
        let target = target.parse().expect("an address");
        self.state.send_modify(|state| state.target = target);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Several sockets have the one port, of which only one listens, or none.
fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept(address: SocketAddr, mut state: watch::Receiver<State>) {
    let mut connections = JoinSet::new();
    loop {
        let open = state.wait_for(|state| state.way != Way::Closed).await;
        if open.map(drop).is_err() {
            return;
        }
        let listener: TcpListener = bound(address)
            .and_then(|socket| socket.listen(1024))
            .expect("the port is ours");
        let mut closed = state.clone();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    if let Ok((client, _)) = accepted {
                        connections.spawn(connect(client, state.clone()));
                    }
                }
                Some(_) = connections.join_next() => {}
                _ = closed.wait_for(|state| state.way == Way::Closed) => break,
            }
        }
        connections.shutdown().await;
    }
}

/// Carries what is said on one connection, until it falls silent for ever.
async fn connect(client: TcpStream, state: watch::Receiver<State>) {
    let begun = *state.borrow();
    let carried = async {
        let server = TcpStream::connect(begun.target).await?;
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
        }
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        tokio::try_join!(
            carry(&mut from_client, &mut to_server, &state),
            carry(&mut from_server, &mut to_client, &state),
        )
    };
    let mut silenced = state.clone();
    let silenced = silenced.wait_for(|now| now.silences > begun.silences);
    if begun.way == Way::Silent {
        return std::future::pending().await;
    }
    let mut carried = std::pin::pin!(carried);
    let is_silent = tokio::select! {
        // Who is cut off sees it by the end of the connection.
        _ = &mut carried => false,
        _ = silenced => true,
    };
    if is_silent {
        // Both ends stay open, and unheard.
        std::future::pending().await
    }
}

async fn carry(
    from: &mut tcp::OwnedReadHalf,
    to: &mut tcp::OwnedWriteHalf,
    state: &watch::Receiver<State>,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let length = from.read(&mut buffer).await?;
        let way = state.borrow().way;
        if let Way::Slow(delay) = way {
            tokio::time::sleep(delay).await;
        }
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..length]).await?;
    }
}
