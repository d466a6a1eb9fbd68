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

/* Efficient non-dominated sorting (Zhang et al. 2015, ENS-BS): points in lexicographic order enter
 * the first front that does not dominate them, found by bisection. Two objectives: n log n.
 * last, before: scratch, newest member of each front and the member of a point's front before it.
 */
static int rank_in_order(const order *o, const int *sorted, int n, int *last, int *before,
                         int *rank)
{
    int n_fronts = 0;
    for (int i = 0; i < n; i++) {
        int point = sorted[i], lo = 0, hi = n_fronts;
        while (lo < hi) {
            int mid = (lo + hi) / 2;
            if (front_dominates(o, before, last[mid], point))
                lo = mid + 1;
            else
                hi = mid;
        }
        before[point] = lo < n_fronts ? last[lo] : -1;
        last[lo] = point;
        rank[point] = lo;
        n_fronts += lo == n_fronts;
    }
    return n_fronts;
}

void bti_pareto_rank(const double *values, int n, int m, const bool *maximize, int *rank)
{
    if (n <= 0)
        return;
    const order o = {values, m, maximize, NULL, 0};
    int *sorted = bti_array((size_t)n, 3 * sizeof(int));
    if (!sorted) {
        rank_by_peeling(values, n, m, maximize, rank);
        return;
    }
    for (int i = 0; i < n; i++)
        sorted[i] = i;
    qsort_r(sorted, (size_t)n, sizeof(int), compare, (void *)&o);
    (void)rank_in_order(&o, sorted, n, sorted + n, sorted + 2 * n, rank);
    bti_free(sorted);
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

/* Front after front. */
static void crowd_in_order(const order *o, const int *sorted, int n, const int *rank, double *crowd)
{
    for (int begin = 0, end; begin < n; begin = end) {
        for (end = begin + 1; end < n && rank[sorted[end]] == rank[sorted[begin]];)
            end++;
        crowd_front(o, sorted, begin, end, crowd);
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
        crowd_in_order(&o, sorted, n, rank, crowd);
    }
    bti_free(sorted);
}

int bti_pareto_sorted(const double *values, int m, const int *sorted, int n, int stride, int *rank,
                      double *crowd, int *scratch)
{
    static const bool minimize[BTI_OBJECTIVES_MAX];
    int *by_rank = scratch, *start = scratch + stride;
    order o = {values, m, minimize, rank, 0};
    int n_fronts = rank_in_order(&o, sorted, n, scratch, scratch + stride, rank);
    for (int i = 0; i < n; i++)
        crowd[sorted[i]] = 0;
    for (o.first = 0; o.first < m; o.first++) { /* a counting sort keeps the order inside a front */
        const int *along = sorted + o.first * stride;
        memset(start, 0, (size_t)(n_fronts + 1) * sizeof(*start));
        for (int i = 0; i < n; i++)
            start[rank[along[i]] + 1]++;
        for (int k = 0; k < n_fronts; k++)
            start[k + 1] += start[k];
        for (int i = 0; i < n; i++)
            by_rank[start[rank[along[i]]]++] = along[i];
        crowd_in_order(&o, by_rank, n, rank, crowd);
    }
    return n_fronts;
}

/* ---- hypervolume ---- */

static int leftmost_first(const void *a, const void *b)
{
    const double *x = a, *y = b;
    if (x[0] != y[0])
        return x[0] < y[0] ? -1 : 1;
    return (x[1] > y[1]) - (x[1] < y[1]);
}

/* A sweep from left to right: a point below all before it adds a strip. Sorts p. */
static double sweep2(double *p, int n, const double ref[2])
{
    double area = 0, floor = ref[1];
    if (n)
        qsort(p, (size_t)n, 2 * sizeof(*p), leftmost_first);
    for (int i = 0; i < n; i++) {
        if (!(p[2 * i] < ref[0] && p[2 * i + 1] < floor))
            continue;
        area += (ref[0] - p[2 * i]) * (floor - p[2 * i + 1]);
        floor = p[2 * i + 1];
    }
    return area;
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
static double wfg(double *p, int n, int m, const double *ref, double *room)
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
    if (front && m != 2) /* the sweep passes over what is covered */
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

double bti_hypervolume_gain(const double *values, int n, int m, const double *ref, const double *p)
{
    double *shared = bti_array((size_t)(n > 0 ? n : 1), (size_t)m * sizeof(*shared)), box = 1;
    for (int j = 0; j < m; j++)
        box *= p[j] < ref[j] ? ref[j] - p[j] : 0;
    for (int i = 0; shared && i < n * m; i++)
        shared[i] = fmax(values[i], p[i % m]);
    double gain = !shared ? NAN : box > 0 ? box - bti_hypervolume(shared, n, m, ref) : 0;
    bti_free(shared);
    return gain;
}
