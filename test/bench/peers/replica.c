// A set of replicas that sleep: each serves `slots` requests at once and keeps the others in the
// order of their arrival. A request sleeps for a lognormal time drawn from the seed, the number in
// its path and how often this set has seen that number: every proxy's first try of a request takes
// equally long, and another try is another draw.
// usage: replica KEY=VALUE…: seed slots mean (µs) sigma, slow=INDEX:FACTOR,
//        cold=FIRST:FACTOR:FOR_MS (slower from its first request on, it and those behind it),
//        stall=INDEX:EVERY_MS:FOR_MS (the last FOR_MS of each EVERY_MS of the clock), port (repeated)
// GET /w/NUMBER answers 100 bytes that begin with the number.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REPLICAS_MAX 64
#define BUFFER 16384
#define BODY 100

typedef struct connection {
  int fd, replica, references, closed, busy;
  size_t length;
  char buffer[BUFFER];
} connection;

typedef struct job { connection *from; uint64_t number; double ends; struct job *next; } job;
typedef struct { int fd, busy; double factor, warmAt; job *first, *last; } replica;
typedef struct { int isListener, index; connection *connection; } source;

static replica replicas[REPLICAS_MAX];
static int count = 0, slots = 1, epoll, stalled = -1, coldFrom = REPLICAS_MAX;
static double mean = 0, sigma = 0.5, stallEvery = 0, stallFor = 0, coldFactor = 1, coldFor = 0;
static uint64_t seed = 1;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

static double uniform(uint64_t x) { return ((mix(x) >> 11) + 0.5) / 9007199254740992.0; }

static double serviceTime(uint64_t number, uint32_t visit) {
  if (mean <= 0) return 0;
  uint64_t key = mix(mix(seed) ^ number) ^ ((uint64_t)visit << 48);
  double normal = sqrt(-2 * log(uniform(key))) * cos(2 * M_PI * uniform(key ^ 0x5bd1e995));
  return mean * exp(sigma * normal - sigma * sigma / 2);
}

// How often each number was seen, by a table that grows with the numbers.
static uint32_t visitsOf(uint64_t number) {
  static uint8_t *seen = NULL;
  static uint64_t size = 0;
  if (number > 50000000) return 0;
  if (number >= size) {
    uint64_t grown = (number + 1) * 2;
    seen = realloc(seen, grown);
    memset(seen + size, 0, grown - size);
    size = grown;
  }
  return seen[number] == 255 ? 255 : seen[number]++;
}

// A process that stalls ends nothing: what would have ended meanwhile ends when it goes on.
static double afterStall(int index, double at) {
  if (index != stalled) return at;
  double phase = fmod(at, stallEvery);
  return phase < stallEvery - stallFor ? at : at - phase + stallEvery;
}

static job *heap[1 << 20];
static int heapSize = 0;

static void push(job *added) {
  int at = heapSize++;
  while (at > 0 && heap[(at - 1) / 2]->ends > added->ends) {
    heap[at] = heap[(at - 1) / 2];
    at = (at - 1) / 2;
  }
  heap[at] = added;
}

static job *pop(void) {
  job *top = heap[0], *moved = heap[--heapSize];
  int at = 0, child;
  while ((child = 2 * at + 1) < heapSize) {
    if (child + 1 < heapSize && heap[child + 1]->ends < heap[child]->ends) child++;
    if (heap[child]->ends >= moved->ends) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = moved;
  return top;
}

static void release(connection *c) {
  if (--c->references == 0) free(c);
}

static void hangUp(connection *c) {
  if (c->closed) return;
  c->closed = 1;
  close(c->fd);
  release(c);
}

// What has just been started has to read and compile what it needs.
static double coldness(int index) {
  replica *r = &replicas[index];
  if (index < coldFrom) return 1;
  if (r->warmAt == 0) r->warmAt = now() + coldFor;
  return now() < r->warmAt ? coldFactor : 1;
}

static void begin(job *j) {
  replica *r = &replicas[j->from->replica];
  double from = afterStall(j->from->replica, now());
  r->busy++;
  double takes = serviceTime(j->number, visitsOf(j->number)) * r->factor * coldness(j->from->replica);
  j->ends = afterStall(j->from->replica, from + takes);
  push(j);
}

static void answer(connection *c, uint64_t number) {
  char text[512];
  int head = sprintf(text, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", BODY);
  memset(text + head, ' ', BODY);
  int digits = sprintf(text + head, "%llu", (unsigned long long)number);
  text[head + digits] = ' ';
  if (send(c->fd, text, head + BODY, MSG_NOSIGNAL) != head + BODY) hangUp(c);
}

static void take(connection *c);

static void finish(job *j) {
  connection *c = j->from;
  replica *r = &replicas[c->replica];
  uint64_t number = j->number;
  r->busy--;
  free(j);
  c->busy = 0;
  if (!c->closed) answer(c, number);
  if (!c->closed) take(c);
  while (r->first && r->busy < slots) {
    job *next = r->first;
    r->first = next->next;
    if (!r->first) r->last = NULL;
    // Nobody waits for it any more, and its work has not begun.
    if (next->from->closed) { release(next->from); free(next); }
    else begin(next);
  }
  release(c);
}

// One request at a time: what a client sends ahead waits in the buffer.
static void take(connection *c) {
  char *end = c->busy ? NULL : memmem(c->buffer, c->length, "\r\n\r\n", 4);
  if (!end) return;
  size_t head = end + 4 - c->buffer;
  char *path = memmem(c->buffer, head, "/w/", 3);
  job *j = calloc(1, sizeof *j);
  j->number = path ? strtoull(path + 3, NULL, 10) : 0;
  j->from = c;
  memmove(c->buffer, c->buffer + head, c->length - head);
  c->length -= head;
  c->busy = 1;
  c->references++;
  replica *r = &replicas[c->replica];
  if (r->busy < slots) { begin(j); return; }
  if (r->last) r->last->next = j; else r->first = j;
  r->last = j;
}

static int receive(connection *c) {
  ssize_t got = recv(c->fd, c->buffer + c->length, BUFFER - c->length, 0);
  if (got == 0 || (got < 0 && errno != EAGAIN)) { hangUp(c); return 1; }
  if (got > 0) { c->length += got; take(c); }
  return c->closed;
}

static void accepted(int index) {
  int one = 1, fd = accept4(replicas[index].fd, NULL, NULL, SOCK_NONBLOCK);
  if (fd < 0) return;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  connection *c = calloc(1, sizeof *c);
  *c = (connection){.fd = fd, .replica = index, .references = 1};
  source *s = calloc(1, sizeof *s);
  s->connection = c;
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = s};
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
}

static void openPort(int port) {
  int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, (void *)&address, sizeof address) || listen(fd, 1024)) { perror("listen"); exit(1); }
  source *s = calloc(1, sizeof *s);
  *s = (source){.isListener = 1, .index = count};
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = s};
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
  replicas[count].fd = fd;
  if (replicas[count].factor == 0) replicas[count].factor = 1;
  count++;
}

static void setting(char *text) {
  int index; double a, b;
  if (sscanf(text, "slots=%d", &slots) == 1) return;
  if (sscanf(text, "mean=%lf", &a) == 1) { mean = a * 1e-6; return; }
  if (sscanf(text, "sigma=%lf", &sigma) == 1) return;
  if (sscanf(text, "slow=%d:%lf", &index, &a) == 2) { replicas[index].factor = a; return; }
  if (sscanf(text, "stall=%d:%lf:%lf", &index, &a, &b) == 3) {
    stalled = index; stallEvery = a / 1000; stallFor = b / 1000; return;
  }
  if (sscanf(text, "cold=%d:%lf:%lf", &index, &a, &b) == 3) {
    coldFrom = index; coldFactor = a; coldFor = b / 1000; return;
  }
  if (sscanf(text, "port=%d", &index) == 1 && count < REPLICAS_MAX) { openPort(index); return; }
  if (!strncmp(text, "seed=", 5)) { seed = strtoull(text + 5, NULL, 10); return; }
  fprintf(stderr, "unknown: %s\n", text);
  exit(1);
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  epoll = epoll_create1(0);
  for (int i = 1; i < argc; i++) setting(argv[i]);
  struct epoll_event events[256];
  for (;;) {
    double wait = heapSize ? heap[0]->ends - now() : 10;
    if (wait < 0) wait = 0;
    struct timespec t = {(time_t)wait, (long)((wait - (time_t)wait) * 1e9)};
    int ready = epoll_pwait2(epoll, events, 256, &t, NULL);
    for (int i = 0; i < ready; i++) {
      source *s = events[i].data.ptr;
      if (s->isListener) accepted(s->index);
      else if (s->connection->closed || receive(s->connection)) {
        // The connection may live on in a job; its source has nothing more to tell.
        free(s);
      }
    }
    for (double t1 = now(); heapSize && heap[0]->ends <= t1;) finish(pop());
  }
}
