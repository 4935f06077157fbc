// What the step asks of the operating system: threads that sleep until they are woken.

#pragma once

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <pthread.h>
#include <sched.h>
#endif

namespace {

#if defined(_WIN32)

class Mutex {
   public:
    void lock() { AcquireSRWLockExclusive(&itself_); }
    void unlock() { ReleaseSRWLockExclusive(&itself_); }

   private:
    friend class Condition;
    SRWLOCK itself_ = SRWLOCK_INIT;
};

class Condition {
   public:
    void wait(Mutex &mutex) { SleepConditionVariableSRW(&itself_, &mutex.itself_, INFINITE, 0); }
    void wake() { WakeConditionVariable(&itself_); }

   private:
    CONDITION_VARIABLE itself_ = CONDITION_VARIABLE_INIT;
};

class Thread {
   public:
    typedef void (*Function)(void *);

    // Returns whether the system has given one.
    bool start(Function function, void *argument) {
        function_ = function, argument_ = argument;
        itself_ = CreateThread(nullptr, 0, &Thread::run, this, 0, nullptr);
        return itself_;
    }

    void join() {
        WaitForSingleObject(itself_, INFINITE);
        CloseHandle(itself_);
    }

   private:
    static DWORD WINAPI run(void *thread) {
        const Thread &self = *static_cast<Thread *>(thread);
        self.function_(self.argument_);
        return 0;
    }

    HANDLE itself_;
    Function function_;
    void *argument_;
};

inline void let_others_run() { SwitchToThread(); }

#else

class Mutex {
   public:
    void lock() { pthread_mutex_lock(&itself_); }
    void unlock() { pthread_mutex_unlock(&itself_); }

   private:
    friend class Condition;
    pthread_mutex_t itself_ = PTHREAD_MUTEX_INITIALIZER;
};

class Condition {
   public:
    void wait(Mutex &mutex) { pthread_cond_wait(&itself_, &mutex.itself_); }
    void wake() { pthread_cond_signal(&itself_); }

   private:
    pthread_cond_t itself_ = PTHREAD_COND_INITIALIZER;
};

class Thread {
   public:
    typedef void (*Function)(void *);

    // Returns whether the system has given one.
    bool start(Function function, void *argument) {
        function_ = function, argument_ = argument;
        return pthread_create(&itself_, nullptr, &Thread::run, this) == 0;
    }

    void join() { pthread_join(itself_, nullptr); }

   private:
    static void *run(void *thread) {
        const Thread &self = *static_cast<Thread *>(thread);
        self.function_(self.argument_);
        return nullptr;
    }

    pthread_t itself_;
    Function function_;
    void *argument_;
};

inline void let_others_run() { sched_yield(); }

#endif

class Lock {
   public:
    explicit Lock(Mutex &mutex) : mutex_(mutex) { mutex_.lock(); }
    ~Lock() { mutex_.unlock(); }

   private:
    Mutex &mutex_;
};

// A moment in which the processor does nothing, for loops that wait for another thread.
inline void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    __asm__ volatile("yield");
#endif
}

}  // namespace
