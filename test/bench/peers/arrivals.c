// Open-loop Poisson arrivals to several proxies at once: each gets the same gaps from the seed, a
// fraction of a gap apart. A latency counts from the moment the request was meant to be sent, so
// that waiting for a slow proxy is not forgotten (no coordinated omission).
// usage: arrivals SEED RATE SECONDS OUT PORT…
// OUT: three floats per request: proxy, meant at (s), latency (ms; -1: no complete right answer).
// Prints how late this program itself was (ms).
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PROXIES_MAX 16
#define CONNECTIONS_MAX 1500
#define CONNECTIONS_FIRST 64
#define DESCRIPTORS_MAX 65536
#define SEEDS 40
#define NUMBERS 1000000
#define ANSWER_SECONDS 10.0

typedef struct connection {
  int fd, proxy;
  uint64_t number;
  double meant;
  size_t length;
  char buffer[4096];
} connection;

typedef struct {
  int port, open, idleCount;
  uint64_t random, number;
  double due;
  connection *idle[CONNECTIONS_MAX];
} proxy;

static proxy proxies[PROXIES_MAX];
static connection *byDescriptor[DESCRIPTORS_MAX];
static int proxyCount = 0, epoll, waiting = 0;
static double start, rate;
static FILE *out;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static double uniform(uint64_t *state) {
  *state += 0x9e3779b97f4a7c15ull;
  uint64_t x = *state;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return (((x ^ (x >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}

static void record(int index, double meant, double latency) {
  float line[3] = {index, meant - start, latency < 0 ? -1 : latency * 1e3};
  fwrite(line, sizeof line, 1, out);
}

static connection *connected(int index) {
  proxy *p = &proxies[index];
  if (p->idleCount > 0) return p->idle[--p->idleCount];
  if (p->open >= CONNECTIONS_MAX) return NULL;
  int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(p->port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd >= DESCRIPTORS_MAX || connect(fd, (void *)&address, sizeof address)) {
    if (fd >= 0) close(fd);
    return NULL;
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  connection *c = calloc(1, sizeof *c);
  *c = (connection){.fd = fd, .proxy = index};
  byDescriptor[fd] = c;
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
  p->open++;
  return c;
}

static void drop(connection *c) {
  proxy *p = &proxies[c->proxy];
  for (int i = 0; i < p->idleCount; i++)
    if (p->idle[i] == c) { p->idle[i] = p->idle[--p->idleCount]; break; }
  byDescriptor[c->fd] = NULL;
  close(c->fd);
  p->open--;
  if (c->meant > 0) { waiting--; record(c->proxy, c->meant, -1); }
  free(c);
}

static float latenesses[1 << 22];
static size_t sent = 0;

static void ask(int index, double due) {
  proxy *p = &proxies[index];
  uint64_t number = p->number++;
  connection *c = connected(index);
  if (!c) { record(index, due, -1); return; }
  char text[512];
  int size = sprintf(text, "GET /w/%llu HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: arrivals/1\r\n"
                     "Accept: */*\r\n\r\n", (unsigned long long)number, p->port);
  c->number = number;
  c->meant = due;
  c->length = 0;
  waiting++;
  double late = now() - due;
  if (sent < sizeof latenesses / sizeof *latenesses) latenesses[sent++] = late * 1e3;
  if (send(c->fd, text, size, MSG_NOSIGNAL) != size) drop(c);
}

// A whole answer: 0 not yet, 1 right, -1 wrong. `*keeps` says whether the connection goes on.
static int judged(connection *c, int *keeps) {
  c->buffer[c->length] = 0;
  char *end = strstr(c->buffer, "\r\n\r\n");
  if (!end) return c->length >= sizeof c->buffer - 1 ? -1 : 0;
  char *field = strcasestr(c->buffer, "\ncontent-length:");
  if (!field || field > end) return -1;
  size_t body = strtoul(field + 16, NULL, 10), head = end + 4 - c->buffer;
  if (c->length < head + body) return c->length >= sizeof c->buffer - 1 ? -1 : 0;
  char *closes = strcasestr(c->buffer, "\nconnection: close");
  *keeps = !closes || closes > end;
  int right = !strncmp(c->buffer + 8, " 200", 4) && strtoull(end + 4, NULL, 10) == c->number;
  if (!right) record(c->proxy, c->meant, -1);
  else record(c->proxy, c->meant, now() - c->meant);
  waiting--;
  c->meant = 0;
  return 1;
}

static void receive(connection *c) {
  ssize_t got = recv(c->fd, c->buffer + c->length, sizeof c->buffer - 1 - c->length, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0 || c->meant == 0) { drop(c); return; }
  c->length += got;
  int keeps = 0, verdict = judged(c, &keeps);
  if (verdict == 0) return;
  proxy *p = &proxies[c->proxy];
  if (verdict < 0 || !keeps) drop(c);
  else p->idle[p->idleCount++] = c;
}

static int ascending(const void *a, const void *b) {
  float x = *(float *)a, y = *(float *)b;
  return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
  if (argc < 6 || argc - 5 > PROXIES_MAX) return 1;
  uint64_t seed = strtoull(argv[1], NULL, 10);
  rate = atof(argv[2]);
  double seconds = atof(argv[3]);
  out = fopen(argv[4], "wb");
  if (!out) { perror(argv[4]); return 1; }
  epoll = epoll_create1(0);
  proxyCount = argc - 5;
  for (int i = 0; i < proxyCount; i++) {
    proxies[i].port = atoi(argv[5 + i]);
    connection *first[CONNECTIONS_FIRST];
    for (int k = 0; k < CONNECTIONS_FIRST; k++) first[k] = connected(i);
    for (int k = 0; k < CONNECTIONS_FIRST; k++)
      if (first[k]) proxies[i].idle[proxies[i].idleCount++] = first[k];
  }
  start = now() + 0.1;
  for (int i = 0; i < proxyCount; i++) {
    proxies[i].random = seed * 0x51ed2701;
    // Runs of different seeds share no numbers, so that no replica has seen them before.
    proxies[i].number = seed % SEEDS * NUMBERS;
    proxies[i].due = start + i / (rate * proxyCount);
  }
  struct epoll_event events[256];
  double end = start + seconds;
  for (;;) {
    double t = now(), next = end;
    for (int i = 0; i < proxyCount; i++) {
      proxy *p = &proxies[i];
      while (p->due <= t && p->due < end) {
        double due = p->due;
        p->due = due - log(uniform(&p->random)) / rate;
        ask(i, due);
      }
      if (p->due < next) next = p->due;
    }
    if (t > end && (waiting == 0 || t > end + ANSWER_SECONDS)) break;
    double wait = t > end ? 0.01 : next - now();
    if (wait < 0) wait = 0;
    struct timespec pause = {(time_t)wait, (long)((wait - (time_t)wait) * 1e9)};
    int ready = epoll_pwait2(epoll, events, 256, &pause, NULL);
    // A connection appears once per round, so that dropping it leaves no later event behind.
    for (int i = 0; i < ready; i++) receive(events[i].data.ptr);
  }
  int unanswered = waiting;
  for (int fd = 0; fd < DESCRIPTORS_MAX; fd++)
    if (byDescriptor[fd] && byDescriptor[fd]->meant > 0) drop(byDescriptor[fd]);
  fclose(out);
  if (sent == 0) return 1;
  qsort(latenesses, sent, sizeof *latenesses, ascending);
  printf("{\"sent\":%zu,\"unanswered\":%d,\"late_p50\":%.3f,\"late_p99\":%.3f,\"late_max\":%.3f}\n",
         sent, unanswered, latenesses[sent / 2], latenesses[(size_t)(sent * 0.99)],
         latenesses[sent - 1]);
  return 0;
}
