package store

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	sqlite3 "modernc.org/sqlite/lib"
)

// noLock stands for the mutex that each connection of SQLite has for itself, and is none. The driver opens its
// connections in "serialized" mode, in which every call locks that mutex, once for each column that is read; but
// database/sql never uses a connection from two goroutines at once, which is all that the "multi-thread" mode asks
// (https://www.sqlite.org/threadsafe.html). sqlite3_interrupt, which may come from elsewhere, takes no mutex. Measured:
// 10 % of the CPU time of a campaign. No address is this small.
const noLock uintptr = 1

// statics are the mutexes of SQLite's own state: the list of open files, the page caches, the memory statistics. They
// are as real as ever. Kind n, counted from SQLITE_MUTEX_STATIC_MAIN, is at n.
var statics [sqlite3.SQLITE_MUTEX_STATIC_VFS3 - sqlite3.SQLITE_MUTEX_STATIC_MAIN + 1]sync.Mutex

// unlockConnections makes SQLite forgo the mutexes of connections, in the whole process and before it opens the first
// one (https://www.sqlite.org/c3ref/mutex_methods.html). It must be called before anything else uses SQLite.
//
// The only other recursive mutex guards SQLite's initialization, which is done here, so nobody can be doing it twice.
var unlockConnections = sync.OnceValue(func() error {
	tls := libc.NewTLS()
	defer tls.Close()
	methods := libc.Xcalloc(tls, 1, types.Size_t(unsafe.Sizeof(sqlite3.Tsqlite3_mutex_methods{})))
	list := libc.Xcalloc(tls, 1, types.Size_t(unsafe.Sizeof(methods)))
	if methods == 0 || list == 0 {
		return errors.New("no memory for SQLite")
	}
	defer libc.Xfree(tls, methods)
	defer libc.Xfree(tls, list)
	//nolint:gosec // memory of SQLite's, of that size
	**(**sqlite3.Tsqlite3_mutex_methods)(unsafe.Pointer(&methods)) = sqlite3.Tsqlite3_mutex_methods{
		FxMutexInit:  address(nothingToDo),
		FxMutexEnd:   address(nothingToDo),
		FxMutexAlloc: address(allocMutex),
		FxMutexFree:  address(freeMutex),
		FxMutexEnter: address(enterMutex),
		FxMutexTry:   address(tryMutex),
		FxMutexLeave: address(leaveMutex),
	}
	if rc := sqlite3.Xsqlite3_config(tls, sqlite3.SQLITE_CONFIG_MUTEX, libc.VaList(list, methods)); rc != sqlite3.SQLITE_OK {
		return fmt.Errorf("SQLite was used before a store was opened (%d)", rc)
	}
	if rc := sqlite3.Xsqlite3_initialize(tls); rc != sqlite3.SQLITE_OK {
		return fmt.Errorf("SQLite cannot be initialized (%d)", rc)
	}
	return nil
})

// address is what translated C code calls f by. f must not be a closure: nothing else keeps it.
func address[F any](f F) uintptr {
	return *(*uintptr)(unsafe.Pointer(&f)) //nolint:gosec // as the driver itself does it
}

// mutexAt is the mutex at an address of SQLite's memory or of statics, which both stay where they are.
func mutexAt(p uintptr) *sync.Mutex {
	return *(**sync.Mutex)(unsafe.Pointer(&p)) //nolint:gosec // only what allocMutex gave out
}

func nothingToDo(*libc.TLS) int32 { return sqlite3.SQLITE_OK }

func allocMutex(tls *libc.TLS, kind int32) uintptr {
	switch kind {
	case sqlite3.SQLITE_MUTEX_RECURSIVE:
		return noLock
	case sqlite3.SQLITE_MUTEX_FAST: // of a file's locks and its shared memory
		return libc.Xcalloc(tls, 1, types.Size_t(unsafe.Sizeof(sync.Mutex{})))
	}
	return uintptr(unsafe.Pointer(&statics[kind-sqlite3.SQLITE_MUTEX_STATIC_MAIN])) //nolint:gosec // a variable of the package stays where it is
}

func freeMutex(tls *libc.TLS, p uintptr) {
	if p != noLock {
		libc.Xfree(tls, p)
	}
}

func enterMutex(_ *libc.TLS, p uintptr) {
	if p != noLock {
		mutexAt(p).Lock()
	}
}

func tryMutex(_ *libc.TLS, p uintptr) int32 {
	if p == noLock || mutexAt(p).TryLock() {
		return sqlite3.SQLITE_OK
	}
	return sqlite3.SQLITE_BUSY
}

func leaveMutex(_ *libc.TLS, p uintptr) {
	if p != noLock {
		mutexAt(p).Unlock()
	}
}
