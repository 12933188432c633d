/*
 * noise.h: random numbers that are the same everywhere: splitmix64 (S. Vigna, public domain
 * algorithm) and what is made of it. Everything from a seed, nothing global.
 */
#pragma once

#include <math.h>
#include <stdint.h>

struct noise {
    uint64_t state;
};

static inline uint64_t noise_bits(struct noise *n)
{
    uint64_t x = n->state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static inline struct noise noise_new(uint64_t seed, uint64_t series)
{
    struct noise n = {seed * UINT64_C(0x9e3779b97f4a7c15) + series * UINT64_C(0xd1342543de82ef95)};
    noise_bits(&n);
    return n;
}

/* In (0, 1). */
static inline double noise_uniform(struct noise *n)
{
    return ((double)(noise_bits(n) >> 11) + 0.5) * 0x1p-53;
}

#define NOISE_TURN 6.283185307179586

/* Mean 0, variance 1 (Box and Muller). */
static inline double noise_gaussian(struct noise *n)
{
    double u = noise_uniform(n), v = noise_uniform(n);
    return sqrt(-2 * log(u)) * cos(NOISE_TURN * v);
}

/* Student's t with 3 degrees of freedom, variance 3 (R. Bailey, Math. Comp. 62 (1994) 779). */
static inline double noise_student3(struct noise *n)
{
    double u = noise_uniform(n), v = noise_uniform(n);
    return sqrt(3 * (1 / cbrt(u * u) - 1)) * cos(NOISE_TURN * v);
}

/* The distribution function of Poisson's distribution, for noise_poisson. */
#define NOISE_POISSON_MAX 512
struct noise_poisson {
    double up_to[NOISE_POISSON_MAX];
    int mean;
};

static inline void noise_poisson_init(struct noise_poisson *p, double lambda)
{
    double one = exp(-lambda), sum = 0;
    for (int i = 0; i < NOISE_POISSON_MAX; i++) {
        sum += one;
        p->up_to[i] = sum;
        one *= lambda / (i + 1);
    }
    p->mean = (int)lambda;
}

static inline double noise_poisson(struct noise *n, const struct noise_poisson *p)
{
    double u = noise_uniform(n);
    int i = p->mean;
    while (i > 0 && p->up_to[i - 1] >= u)
        i--;
    while (i < NOISE_POISSON_MAX - 1 && p->up_to[i] < u)
        i++;
    return i;
}
