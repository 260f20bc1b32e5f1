//! Listeners on loopback, and answers put on the wire in the way that they are meant to arrive.

use crate::endpoint;
use crate::imds::Start;
use crate::reply::{Delivery, Reply};
use crate::request::Request;
use crate::wire::Wire;
use crate::world::World;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// What a listener serves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Door {
    /// All services of the account.
    Services,
    /// One instance's metadata, by its place in the world.
    Metadata(usize),
}

/// The largest request body taken.
const LARGEST: usize = 8 * 1024 * 1024;

/// Opens a door on a free port. Its address is known at once, even where connections are refused for a while.
pub(crate) fn open(world: &Arc<Mutex<World>>, door: Door) -> io::Result<SocketAddr> {
    let metadata = match door {
        Door::Services => None,
        Door::Metadata(index) => {
            let world = world.lock().unwrap_or_else(PoisonError::into_inner);
            Some(world.machines[index].instance.metadata.clone())
        }
    };
    let ipv6 = metadata.as_ref().is_some_and(|metadata| metadata.ipv6);
    let socket = if ipv6 { TcpSocket::new_v6()? } else { TcpSocket::new_v4()? };
    let ip = if ipv6 { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
    socket.bind(SocketAddr::new(ip, 0))?;
    let address = socket.local_addr()?;
    let world = Arc::clone(world);
    match metadata.map(|metadata| metadata.start) {
        // A bound socket that does not listen refuses connections.
        Some(Start::Refuses(delay)) => drop(tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            if let Ok(listener) = socket.listen(1024) {
                serve(listener, world, door).await;
            }
        })),
        _ => drop(tokio::spawn(serve(socket.listen(1024)?, world, door))),
    }
    Ok(address)
}

async fn serve(listener: TcpListener, world: Arc<Mutex<World>>, door: Door) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(converse(stream, Arc::clone(&world), door))),
            // Out of descriptors, or the like: it passes.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// One connection, until its end.
async fn converse(stream: TcpStream, world: Arc<Mutex<World>>, door: Door) {
    let reset = Arc::new(AtomicBool::new(false));
    let wire = Wire { stream, reset: Arc::clone(&reset) };
    let service = service_fn(move |request| respond(request, Arc::clone(&world), door, Arc::clone(&reset)));
    // A connection ends with an error when its client goes away or when a fault cuts it; neither is news here.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(wire), service).await;
}

async fn respond(
    request: hyper::Request<Incoming>,
    world: Arc<Mutex<World>>,
    door: Door,
    reset: Arc<AtomicBool>,
) -> io::Result<hyper::Response<Payload>> {
    let request = received(request).await?;
    let reply = {
        let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
        match door {
            Door::Services => endpoint::answer(&mut world, &request),
            Door::Metadata(index) => endpoint::metadata(&mut world, index, &request),
        }
    };
    tokio::time::sleep(reply.delay).await;
    match reply.delivery {
        Delivery::Silence => std::future::pending().await,
        Delivery::Reset => {
            reset.store(true, Ordering::SeqCst);
            Err(io::ErrorKind::ConnectionReset.into())
        }
        Delivery::Whole | Delivery::CutOff => written(reply, request.method == "HEAD"),
    }
}

async fn received(request: hyper::Request<Incoming>) -> io::Result<Request> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, LARGEST).collect().await.map_err(io::Error::other)?;
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Ok(Request {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: body.to_bytes().to_vec(),
    })
}

fn written(reply: Reply, head_only: bool) -> io::Result<hyper::Response<Payload>> {
    let mut response = hyper::Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    // Stated outright, so that a body that is cut off falls short of what was promised.
    if !reply.headers.iter().any(|(name, _)| name == "content-length") {
        response = response.header("content-length", reply.body.len());
    }
    let cut = reply.delivery == Delivery::CutOff;
    let length = if cut { reply.body.len() / 2 } else { reply.body.len() };
    let bytes = if head_only { Bytes::new() } else { Bytes::from(reply.body).slice(..length) };
    response
        .body(Payload { bytes: Some(bytes).filter(|bytes| !bytes.is_empty()), cut, flushed: false })
        .map_err(io::Error::other)
}

/// A body in one piece, after which the connection may break.
struct Payload {
    bytes: Option<Bytes>,
    cut: bool,
    flushed: bool,
}

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.bytes.is_none() && self.cut && !self.flushed {
            // hyper flushes what it has when a body makes it wait; without that the first half would be lost.
            self.flushed = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(match self.bytes.take() {
            Some(bytes) => Some(Ok(Frame::data(bytes))),
            None if self.cut => Some(Err(io::ErrorKind::UnexpectedEof.into())),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none() && !self.cut
    }
}
