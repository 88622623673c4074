/* Rows of double precision arithmetic: this file is compiled once with SSE2 and once with the x87. */
#include "rows.h"

enum { BODIES = 5, ROWS = 96, COLUMNS = 96, LIMIT = 60 };

struct body {
  double x, y, z, vx, vy, vz, mass;
};

static void bits_of(double value, u32 out[2]) { memcpy(out, &value, sizeof value); }

static NOINLINE void step(struct body *bodies, double time) {
  for (int a = 0; a < BODIES; a++)
    for (int b = a + 1; b < BODIES; b++) {
      struct body *p = bodies + a, *q = bodies + b;
      double dx = p->x - q->x, dy = p->y - q->y, dz = p->z - q->z;
      double distance = dx * dx + dy * dy + dz * dz;
      double pull = time / (distance * __builtin_sqrt(distance));
      p->vx -= dx * q->mass * pull, p->vy -= dy * q->mass * pull, p->vz -= dz * q->mass * pull;
      q->vx += dx * p->mass * pull, q->vy += dy * p->mass * pull, q->vz += dz * p->mass * pull;
    }
  for (int a = 0; a < BODIES; a++) {
    bodies[a].x += time * bodies[a].vx;
    bodies[a].y += time * bodies[a].vy;
    bodies[a].z += time * bodies[a].vz;
  }
}

static u32 orbits(u32 steps) {
  struct body bodies[BODIES];
  u32 sum = 0, bits[2];
  for (int at = 0; at < BODIES; at++)
    bodies[at] = (struct body){at * 1.5, at * 0.75 - 2, 0.25 * at, 0.1 * at, 0.05 - 0.02 * at, 0.01 * at, 1.0 / (1 + at)};
  while (steps--) step(bodies, 0.001);
  for (int at = 0; at < BODIES; at++) bits_of(bodies[at].x + bodies[at].vy, bits), sum = mix(mix(sum, bits[0]), bits[1]);
  return sum;
}

static NOINLINE u32 escape(double cx, double cy) {
  double x = 0, y = 0;
  u32 count = 0;
  while (count < LIMIT && x * x + y * y < 4.0) {
    double next_x = x * x - y * y + cx;
    y = 2 * x * y + cy;
    x = next_x;
    count++;
  }
  return count;
}

static u32 mandelbrot(void) {
  u32 sum = 0;
  for (int row = 0; row < ROWS; row++)
    for (int column = 0; column < COLUMNS; column++) sum = mix(sum, escape(column * (3.0 / COLUMNS) - 2.25, row * (2.5 / ROWS) - 1.25));
  return sum;
}

static u32 matrices(void) {
  enum { SIZE = 32 };
  static double a[SIZE][SIZE], b[SIZE][SIZE], c[SIZE][SIZE];
  u32 sum = 0, bits[2];
  for (int row = 0; row < SIZE; row++)
    for (int column = 0; column < SIZE; column++) a[row][column] = row - column * 0.5, b[row][column] = 1.0 / (row + column + 1);
  for (int row = 0; row < SIZE; row++)
    for (int column = 0; column < SIZE; column++) {
      double total = 0;
      for (int at = 0; at < SIZE; at++) total += a[row][at] * b[at][column];
      c[row][column] = total;
    }
  for (int at = 0; at < SIZE; at++) bits_of(c[at][SIZE - 1 - at], bits), sum = mix(mix(sum, bits[0]), bits[1]);
  return sum;
}

u32 ROW(void) {
  u32 sum = 0;
  for (u32 round = 0; round < ROUNDS; round++) sum = mix(sum, orbits(300 + round)), sum = mix(sum, mandelbrot()), sum = mix(sum, matrices());
  return sum;
}
