// Threads that stay, and share out the phases of a step in portions.
//
// Other programs take a processor away for milliseconds, at any moment. So nobody waits for anybody:
// a phase is over when its portions are done, not when all threads have come, and a portion that a
// thread was put aside with is done again by another. Each portion is therefore computed into the
// thread's own memory, and published by whoever is done first. A thread that comes back finds that
// it is too late, throws its result away and catches up; what it reads until then may belong to
// another phase already, which does no harm.

#pragma once

#include "memory.h"
#include "threads.h"

namespace {

class Team;

// A thread within a step. All of them go through the same phases in the same order.
class Member {
   public:
    Buffer<float> memory;  // of this thread alone

    // A phase: shares out 0 to count - 1 in portions, and returns when all of it is done. Each
    // thread takes portions that follow each other, and then those that others have left.
    // compute(i, place) may write to this thread's memory alone, `place` being the number of i
    // within its portion; publish(i, place) is called once for each i by one thread, and is short.
    template <class Compute, class Publish>
    void share(int count, int portion, const Compute &compute, const Publish &publish);

   private:
    friend class Team;

    // Returns the next portion of those that are this thread's first of all, from `begin` to
    // `end` - 1; or `end`, where none is left or the phase is over. Anybody may take it.
    int take(uint64_t phase, int begin, int end) {
        uint64_t taken = __atomic_load_n(&taken_, __ATOMIC_RELAXED);
        for (;;) {
            if (taken >> COUNT_BITS > phase) return end;
            const uint64_t first = phase << COUNT_BITS;  // what `taken` is where none was yet
            const int number = begin + (int)(taken > first ? taken - first : 0);
            if (number >= end) return end;
            if (__atomic_compare_exchange_n(&taken_, &taken, first + (number + 1 - begin), false,
                                            __ATOMIC_RELAXED, __ATOMIC_RELAXED))
                return number;
        }
    }

    static constexpr int COUNT_BITS = 24;

    Team *team_ = nullptr;
    int number_ = 0;
    bool called_ = false;
    uint64_t next_phase_ = 0;
    Condition call_;
    Thread thread_;
    char line_[64];       // so that what follows has a line of the cache for itself
    uint64_t taken_ = 0;  // the phase, and how many of its portions were taken
    char next_line_[64];
};

class Team {
   public:
    explicit Team(int size) {
        for (; size_ < size && size_ < MOST; size_++) {
            Member &member = members_[size_];
            member.team_ = this, member.number_ = size_;
            if (size_ && !member.thread_.start(&Team::serve, &member)) break;
        }
    }

    ~Team() {
        {
            Lock lock(mutex_);
            closing_ = true;
            for (int number = 1; number < size_; number++) members_[number].call_.wake();
        }
        for (int number = 1; number < size_; number++) members_[number].thread_.join();
    }

    // Makes room for phases of so many portions, and for so much memory of each thread; returns
    // false where there is none.
    bool reserve(size_t portions, size_t memory) {
        bool enough = published_.reserve(portions);
        for (int number = 0; number < size_; number++)
            enough = members_[number].memory.reserve(memory) && enough;
        return enough;
    }

    // Runs `work` on so many threads, this one included, and returns when none is in it any more:
    // `work` and all it refers to are the caller's.
    template <class Work>
    void run(int threads, const Work &work) {
        open([](const void *what, Member &me) { (*static_cast<const Work *>(what))(me); }, &work,
             threads < size_ ? threads : size_);
        work(members_[0]);
        close();
    }

   private:
    friend class Member;
    typedef void (*Work)(const void *, Member &);

    static constexpr int MOST = 64;
    static constexpr int SPINS = 2000;    // that pass before a thread sleeps
    static constexpr int PATIENCE = 500;  // and before it does again what another has begun

    void open(Work work, const void *what, int threads) {
        Lock lock(mutex_);
        work_ = work, what_ = what, threads_ = threads;
        first_phase_ = phase_;
        members_[0].next_phase_ = first_phase_;
        for (int number = 1; number < threads; number++) {
            members_[number].called_ = true;
            members_[number].call_.wake();
        }
    }

    void close() {
        // Who has not come by now is not needed any more; most that have are about to leave.
        for (int spins = 0; spins < SPINS && __atomic_load_n(&inside_, __ATOMIC_ACQUIRE); spins++)
            pause();
        Lock lock(mutex_);
        work_ = nullptr;
        while (inside_) left_.wait(mutex_);
    }

    static void serve(void *member) {
        Member &me = *static_cast<Member *>(member);
        Team &team = *me.team_;
        Lock lock(team.mutex_);
        for (;;) {
            while (!me.called_ && !team.closing_) me.call_.wait(team.mutex_);
            if (team.closing_) return;
            me.called_ = false;
            if (!team.work_) continue;
            me.next_phase_ = team.first_phase_;
            const Work work = team.work_;
            const void *what = team.what_;
            __atomic_add_fetch(&team.inside_, 1, __ATOMIC_RELAXED);
            team.mutex_.unlock();
            work(what, me);
            team.mutex_.lock();
            if (!__atomic_sub_fetch(&team.inside_, 1, __ATOMIC_RELEASE)) team.left_.wake();
        }
    }

    Member members_[MOST];
    int size_ = 0;

    Mutex mutex_;  // for what is below, up to the next blank line
    Condition left_;
    bool closing_ = false;
    Work work_ = nullptr;  // what runs, while threads may come to it
    const void *what_ = nullptr;
    uint64_t first_phase_ = 0;
    int inside_ = 0;

    int threads_ = 0;  // of this step
    Buffer<uint64_t> published_;  // for each portion, the last phase of which it was published
    char line_[64];
    uint64_t phase_ = 1;
    char next_line_[64];
    int done_ = 0;  // portions of this phase
    char last_line_[64];
};

template <class Compute, class Publish>
void Member::share(int count, int portion, const Compute &compute, const Publish &publish) {
    if (count <= 0) return;
    Team &team = *team_;
    const uint64_t phase = next_phase_++;
    const int portions = (count + portion - 1) / portion;

    const auto is_over = [&] { return __atomic_load_n(&team.phase_, __ATOMIC_ACQUIRE) != phase; };
    const auto perform = [&](int number) {
        const int first = number * portion;
        const int end = first + portion < count ? first + portion : count;
        for (int i = first; i < end; i++) compute(i, i - first);
        uint64_t &published = team.published_[number];
        uint64_t before = __atomic_load_n(&published, __ATOMIC_RELAXED);
        if (before >= phase || !__atomic_compare_exchange_n(&published, &before, phase, false,
                                                            __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            return;
        for (int i = first; i < end; i++) publish(i, i - first);
        if (__atomic_add_fetch(&team.done_, 1, __ATOMIC_ACQ_REL) < portions) return;
        team.done_ = 0;
        __atomic_store_n(&team.phase_, phase + 1, __ATOMIC_RELEASE);
    };

    for (int n = 0; n < team.threads_; n++) {
        const int owner = (number_ + n) % team.threads_;
        const int begin = (int)((int64_t)portions * owner / team.threads_);
        const int end = (int)((int64_t)portions * (owner + 1) / team.threads_);
        for (int number; (number = team.members_[owner].take(phase, begin, end)) < end;)
            perform(number);
    }

    const auto wait_is_over = [&](int spins) {
        for (; spins; spins--) {
            if (is_over()) return true;
            pause();
        }
        return false;
    };
    if (wait_is_over(Team::PATIENCE)) return;
    for (int number = 0; number < portions; number++) {
        if (__atomic_load_n(&team.published_[number], __ATOMIC_RELAXED) < phase) perform(number);
        if (is_over()) return;
    }
    // All is computed, but somebody was put aside while publishing.
    while (!wait_is_over(Team::SPINS)) let_others_run();
}

}  // namespace
