/* SPDX-License-Identifier: Apache-2.0
 *
 * Several objectives at once: fronts, crowding, hypervolume. Objectives are looked at as if all
 * were minimised; a NaN is worse than any number. Equal points do not dominate each other.
 */
#include "study/study.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

static double cost_of(const double *values, int m, const bool *maximize, int i, int j)
{
    double v = values[i * m + j];
    return isnan(v) ? INFINITY : maximize[j] ? -v : v;
}

static bool dominates(const double *values, int m, const bool *maximize, int a, int b)
{
    bool better = false;
    for (int j = 0; j < m; j++) {
        double x = cost_of(values, m, maximize, a, j), y = cost_of(values, m, maximize, b, j);
        if (x > y)
            return false;
        better = better || x < y;
    }
    return better;
}

/* qsort_r's context. */
typedef struct order {
    const double *values;
    int m;
    const bool *maximize;
    const int *rank; /* compared first if given */
    int first;       /* objective compared first */
} order;

static int compare(const void *pa, const void *pb, void *user)
{
    const order *o = user;
    int a = *(const int *)pa, b = *(const int *)pb;
    if (o->rank && o->rank[a] != o->rank[b])
        return o->rank[a] < o->rank[b] ? -1 : 1;
    for (int k = 0; k < o->m; k++) {
        int j = (o->first + k) % o->m;
        double x = cost_of(o->values, o->m, o->maximize, a, j);
        double y = cost_of(o->values, o->m, o->maximize, b, j);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return a < b ? -1 : 1;
}

/* Peels one front after the other; no memory, n^2 a front. What the definition says. */
static void rank_by_peeling(const double *values, int n, int m, const bool *maximize, int *rank)
{
    int left = n;
    for (int i = 0; i < n; i++)
        rank[i] = -1;
    for (int front = 0; left > 0; front++) {
        for (int i = 0; i < n; i++) {
            bool free_of_others = rank[i] < 0;
            for (int k = 0; free_of_others && k < n; k++)
                free_of_others =
                    (rank[k] >= 0 && rank[k] < front) || !dominates(values, m, maximize, k, i);
            if (free_of_others) {
                rank[i] = front;
                left--;
            }
        }
    }
}

/* True if a member of the front dominates point i. Members come in lexicographic order, the newest
 * at `last`, older ones through `before`; with two objectives the newest has the smallest second
 * one, so it alone decides. */
static bool front_dominates(const order *o, const int *before, int last, int i)
{
    for (int k = last; k >= 0; k = before[k]) {
        if (dominates(o->values, o->m, o->maximize, k, i))
            return true;
        if (o->m <= 2)
            return false;
    }
    return false;
}

/* The ranks of Deb et al. 2002 by efficient non-dominated sorting (Zhang et al. 2015, ENS-BS):
 * points in lexicographic order enter the first front that does not dominate them, found by
 * bisection. Two objectives: n log n. */
void bti_pareto_rank(const double *values, int n, int m, const bool *maximize, int *rank)
{
    if (n <= 0)
        return;
    order o = {values, m, maximize, NULL, 0};
    int *sorted = bti_array((size_t)n, sizeof(int));
    int *last = bti_array((size_t)n, sizeof(int)); /* newest member of each front */
    int *before =
        bti_array((size_t)n, sizeof(int)); /* the member of the same front before this one */
    int n_fronts = 0;
    if (!sorted || !last || !before) {
        rank_by_peeling(values, n, m, maximize, rank);
        n = 0;
    }
    for (int i = 0; i < n; i++)
        sorted[i] = i;
    if (n)
        qsort_r(sorted, (size_t)n, sizeof(int), compare, &o);
    for (int i = 0; i < n; i++) {
        int point = sorted[i], lo = 0, hi = n_fronts;
        while (lo < hi) {
            int mid = (lo + hi) / 2;
            if (front_dominates(&o, before, last[mid], point))
                lo = mid + 1;
            else
                hi = mid;
        }
        before[point] = lo < n_fronts ? last[lo] : -1;
        last[lo] = point;
        rank[point] = lo;
        n_fronts += lo == n_fronts;
    }
    bti_free(sorted);
    bti_free(last);
    bti_free(before);
}

/* Adds the crowding of one objective along sorted[begin, end), a front. */
static void crowd_front(const order *o, const int *sorted, int begin, int end, double *crowd)
{
    double lo = cost_of(o->values, o->m, o->maximize, sorted[begin], o->first);
    double hi = cost_of(o->values, o->m, o->maximize, sorted[end - 1], o->first);
    crowd[sorted[begin]] = INFINITY;
    crowd[sorted[end - 1]] = INFINITY;
    for (int i = begin + 1; i + 1 < end && hi > lo && isfinite(hi - lo); i++) {
        double left = cost_of(o->values, o->m, o->maximize, sorted[i - 1], o->first);
        double right = cost_of(o->values, o->m, o->maximize, sorted[i + 1], o->first);
        crowd[sorted[i]] += (right - left) / (hi - lo);
    }
}

void bti_crowding(const double *values, int n, int m, const int *rank, double *crowd)
{
    static const bool minimize[BTI_OBJECTIVES_MAX];
    int *sorted = n > 0 ? bti_array((size_t)n, sizeof(int)) : NULL;
    for (int i = 0; i < n; i++)
        crowd[i] = 0;
    for (int j = 0; sorted && j < m; j++) {
        order o = {values, m, minimize, rank, j};
        for (int i = 0; i < n; i++)
            sorted[i] = i;
        qsort_r(sorted, (size_t)n, sizeof(int), compare, &o);
        for (int begin = 0, end; begin < n; begin = end) {
            for (end = begin + 1; end < n && rank[sorted[end]] == rank[sorted[begin]];)
                end++;
            crowd_front(&o, sorted, begin, end, crowd);
        }
    }
    bti_free(sorted);
}

/* ---- hypervolume ---- */

/* A sweep along the front from left to right: the next step down is the leftmost point below the
 * last. */
static double sweep2(const double *values, int n, const double ref[2])
{
    double area = 0, floor = ref[1];
    for (;;) {
        int next = -1;
        for (int i = 0; i < n; i++) {
            const double *p = values + 2 * i, *q = next < 0 ? ref : values + 2 * next;
            if (!(p[0] < ref[0] && p[1] < floor))
                continue;
            if (p[0] < q[0] || (p[0] == q[0] && p[1] < q[1]))
                next = i;
        }
        if (next < 0)
            return area;
        area += (ref[0] - values[2 * next]) * (floor - values[2 * next + 1]);
        floor = values[2 * next + 1];
    }
}

static bool at_least_as_good(const double *a, const double *b, int m)
{
    for (int j = 0; j < m; j++)
        if (!(a[j] <= b[j]))
            return false;
    return true;
}

/* Drops points that another covers; of equal ones the first stays. Returns how many are left. */
static int keep_front(double *p, int n, int m)
{
    static const bool minimize[BTI_OBJECTIVES_MAX];
    int kept = 0;
    for (int i = 0; i < n; i++) {
        bool covered = false;
        for (int k = 0; k < kept && !covered; k++)
            covered = at_least_as_good(p + k * m, p + i * m, m);
        for (int k = i + 1; k < n && !covered; k++)
            covered = dominates(p, m, minimize, k, i);
        if (!covered)
            memmove(p + kept++ * m, p + i * m, (size_t)m * sizeof(*p));
    }
    return kept;
}

/* While, Bradstreet, Barone, "A fast way of calculating exact hypervolumes", IEEE Trans. Evol.
 * Comput. 16, 2012 (WFG): each point adds its own box less what the points after it share with
 * that box. `p` is a front; `room` has space for n points more on every level below. */
static double wfg(const double *p, int n, int m, const double *ref, double *room)
{
    double volume = 0;
    if (m == 2)
        return sweep2(p, n, ref);
    for (int k = 0; k < n; k++) {
        double box = 1;
        int rest = n - k - 1;
        for (int j = 0; j < m; j++)
            box *= ref[j] - p[k * m + j];
        for (int i = 0; i < rest; i++)
            for (int j = 0; j < m; j++)
                room[i * m + j] = fmax(p[(k + 1 + i) * m + j], p[k * m + j]);
        int left = keep_front(room, rest, m);
        volume += box - (left ? wfg(room, left, m, ref, room + left * m) : 0);
    }
    return volume;
}

double bti_hypervolume(const double *values, int n, int m, const double *ref)
{
    size_t cells = (size_t)(n > 0 ? n : 1) * (size_t)m;
    double *front = bti_array(cells, sizeof(*front)), *room = NULL, volume = NAN;
    int inside = 0;
    for (int i = 0; front && i < n; i++) {
        bool counts = true;
        for (int j = 0; j < m; j++)
            counts = counts && values[i * m + j] < ref[j];
        if (counts)
            memcpy(front + m * inside++, values + i * m, (size_t)m * sizeof(*front));
    }
    if (front)
        inside = keep_front(front, inside, m);
    /* Level d holds at most n - d points: n (n + 1) / 2 in all. */
    if (front && m > 2)
        room =
            bti_array((size_t)(inside + 1) * ((size_t)inside + 2) / 2 * (size_t)m, sizeof(*room));
    if (front && m == 1)
        volume = inside ? ref[0] - front[0] : 0;
    else if (front && (m == 2 || room))
        volume = wfg(front, inside, m, ref, room);
    bti_free(front);
    bti_free(room);
    return volume;
}
