// WebSocket clients in a closed loop: each sends a message when its last one came back.
// usage: messages PORT SECONDS CONNECTIONS BYTES; prints how many came back, and how many failed.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SMALL 126

typedef struct { int fd, upgraded; size_t length; unsigned char buffer[4096]; } connection;

static size_t back = 0, failed = 0, size;
static unsigned char frame[6 + SMALL];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static int ask(connection *c) {
  return send(c->fd, frame, 6 + size, MSG_NOSIGNAL) == (ssize_t)(6 + size) ? 0 : -1;
}

static int upgraded(connection *c) {
  c->buffer[c->length] = 0;
  char *end = strstr((char *)c->buffer, "\r\n\r\n");
  if (!end) return 0;
  if (strncmp((char *)c->buffer + 8, " 101", 4)) return -1;
  c->length = 0;
  c->upgraded = 1;
  return ask(c);
}

static int echoed(connection *c) {
  if (c->length < 2 + size) return 0;
  int right = c->length == 2 + size && c->buffer[0] == 0x82 && c->buffer[1] == size;
  for (size_t i = 0; right && i < size; i++) right = c->buffer[2 + i] == 'm';
  if (!right) return -1;
  back++;
  c->length = 0;
  return ask(c);
}

static int receive(connection *c) {
  ssize_t got =
      recv(c->fd, c->buffer + c->length, sizeof c->buffer - 1 - c->length, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return 0;
  if (got <= 0) return -1;
  c->length += got;
  return c->upgraded ? echoed(c) : upgraded(c);
}

static void opened(connection *c, int port, int epoll) {
  int one = 1;
  char text[512];
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  int length = sprintf(text, "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                       "Sec-WebSocket-Version: 13\r\n\r\n", port);
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
  if (connect(c->fd, (void *)&address, sizeof address) ||
      send(c->fd, text, length, MSG_NOSIGNAL) != length) {
    failed++;
    return;
  }
  epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e);
}

int main(int argc, char **argv) {
  if (argc != 5) return 1;
  int port = atoi(argv[1]), count = atoi(argv[3]), epoll = epoll_create1(0);
  double end = now() + atof(argv[2]);
  size = strtoul(argv[4], NULL, 10);
  if (size >= SMALL) return 1;
  frame[0] = 0x82;
  frame[1] = 0x80 | size;
  const unsigned char mask[4] = {1, 2, 3, 4};
  memcpy(frame + 2, mask, 4);
  for (size_t i = 0; i < size; i++) frame[6 + i] = 'm' ^ mask[i % 4];
  connection *connections = calloc(count, sizeof *connections);
  for (int i = 0; i < count; i++) opened(&connections[i], port, epoll);
  struct epoll_event events[256];
  for (;;) {
    double left = end - now();
    if (left <= 0) break;
    int ready = epoll_wait(epoll, events, 256, (int)(left * 1e3) + 1);
    for (int i = 0; i < ready; i++) {
      connection *c = events[i].data.ptr;
      if (receive(c) == 0) continue;
      failed++;
      epoll_ctl(epoll, EPOLL_CTL_DEL, c->fd, NULL);
      close(c->fd);
    }
  }
  printf("{\"done\":%zu,\"failed\":%zu}\n", back, failed);
  return 0;
}
