// Package journal remembers on this machine which messages a process has handed to a provider and not yet recorded in
// the database, so that its successor can tell after a kill what never left, what was taken, and what is in doubt.
//
// It is a file that is mapped into memory: a note costs nanoseconds and no system call, and the kernel keeps it when
// the process dies, however it dies. It is not synced: when the machine itself goes down the notes may be lost, and
// then they must not be believed. The file carries the kernel's boot id for that.
package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Fate is how far a message had come.
type Fate uint64

// The fates of an Entry. Whatever of the process's messages has none was never handed over.
const (
	none     Fate = iota
	Handed        // perhaps on the wire
	Accepted      // the provider has taken it
)

// Entry is one note.
type Entry struct {
	ID      int64
	Attempt int
	Fate    Fate
}

const (
	// The head: the version in 32 bytes, the boot id in 64, then 8 each: the number of slots, the beats, the names.
	headSize = 256
	beatsAt  = 104
	namesAt  = 112
	maxNames = (headSize - namesAt) / 8
	slotSize = 16
	version  = "rapport journal 1\n"
)

// Journal is the living process's own. It is safe for concurrent use.
type Journal struct {
	file  *os.File
	mem   []byte
	words []uint64 // two a slot: the id, and attempt<<8 | fate

	mu    sync.Mutex
	names int
	free  []int32
	room  *sync.Cond
}

// Note is one message's place in the journal until Clear.
type Note struct {
	j    *Journal
	slot int32
}

// Open makes the journal of the process that name stands for (a worker's id, not 0), for at most slots messages at
// once, in dir. The file is locked as long as the process lives.
func Open(dir string, name int64, slots int) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	path := filepath.Join(dir, strconv.FormatInt(name, 10))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	j := &Journal{file: f}
	j.room = sync.NewCond(&j.mu)
	if err := j.prepare(slots); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the journal: %w", err), os.Remove(path), f.Close())
	}
	j.Rename(name)
	return j, nil
}

// Rename adds a name: the process goes on under another one. What it notes from now on may belong to either, so call
// it before the new name is used. After too many names the journal proves nothing any more.
func (j *Journal) Rename(name int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.names == maxNames {
		j.mem[0] = 0
		return
	}
	binary.LittleEndian.PutUint64(j.mem[namesAt+8*j.names:], uint64(name))
	binary.LittleEndian.PutUint64(j.mem[beatsAt:], 0)
	j.names++
}

// Beat notes how often the process has told the database that it lives, under its last name. A database that knows of
// far fewer is an older copy, and the journal is not about it.
func (j *Journal) Beat(n int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	binary.LittleEndian.PutUint64(j.mem[beatsAt:], uint64(n))
}

func (j *Journal) prepare(slots int) error {
	if err := lock(j.file); err != nil {
		return err
	}
	// Written, not only made so long: a page without room on the disk would end the process at the first note.
	raw := make([]byte, headSize+slots*slotSize)
	copy(raw, version)
	boot, err := bootID()
	if err != nil {
		return err
	}
	copy(raw[32:96], boot)
	binary.LittleEndian.PutUint64(raw[96:], uint64(slots))
	if _, err := j.file.Write(raw); err != nil {
		return err
	}
	if j.mem, err = mapped(j.file, len(raw)); err != nil {
		return err
	}
	j.words = unsafe.Slice((*uint64)(unsafe.Pointer(&j.mem[headSize])), 2*slots) //nolint:gosec // G103: the mapping begins on a page, headSize is a multiple of 8, and it is headSize+slots*slotSize long: raw's length above
	j.free = make([]int32, slots)
	for i := range j.free {
		j.free[i] = int32(slots - 1 - i)
	}
	return nil
}

// Hand notes that a message is about to be handed to its provider, before a byte of it leaves. It waits for a slot
// when all are taken. The note stands until Clear.
func (j *Journal) Hand(id int64, attempt int) Note {
	j.mu.Lock()
	for len(j.free) == 0 {
		j.room.Wait()
	}
	slot := j.free[len(j.free)-1]
	j.free = j.free[:len(j.free)-1]
	j.mu.Unlock()
	// The fate comes last: a note is there as a whole or not at all.
	atomic.StoreUint64(&j.words[2*slot], uint64(id))
	atomic.StoreUint64(&j.words[2*slot+1], uint64(attempt)<<8|uint64(Handed))
	return Note{j, slot}
}

// Accept notes that the provider has taken the message.
func (n Note) Accept() {
	w := &n.j.words[2*n.slot+1]
	atomic.StoreUint64(w, atomic.LoadUint64(w)&^0xff|uint64(Accepted))
}

// Clear takes the note away: the outcome is in the database, or nothing of the message has left.
func (n Note) Clear() {
	j := n.j
	atomic.StoreUint64(&j.words[2*n.slot+1], 0)
	j.mu.Lock()
	j.free = append(j.free, n.slot)
	j.mu.Unlock()
	j.room.Signal()
}

// Close removes the journal. Call it when everything is recorded.
func (j *Journal) Close() error {
	return errors.Join(unmap(j.mem), os.Remove(j.file.Name()), j.file.Close())
}

// Left is the journal of a process that has died.
type Left struct {
	Names []int64 // of the process, one after the other
	Beats int64   // under the last name
	path  string
	file  *os.File
	// Sound is false when the machine has gone down since, or the file is not whole: then nothing follows from what
	// it says or does not say.
	Sound   bool
	Entries []Entry
}

// Abandoned finds the journals in dir whose processes have died: nobody holds their lock. The caller holds it until
// Done, so that no two successors read the same one.
func Abandoned(dir string) (out []*Left, err error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for journals: %w", err)
	}
	for _, e := range files {
		name, err := strconv.ParseInt(e.Name(), 10, 64)
		if err != nil || !e.Type().IsRegular() {
			continue
		}
		path := filepath.Join(dir, e.Name())
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if errors.Is(err, os.ErrNotExist) {
			continue // its process has just closed it
		}
		if err != nil {
			return out, fmt.Errorf("looking for journals: %w", err)
		}
		if lock(f) != nil {
			f.Close() // it lives
			continue
		}
		l := &Left{Names: []int64{name}, path: path, file: f}
		if err := l.read(); err != nil {
			return out, errors.Join(fmt.Errorf("reading a journal: %w", err), f.Close())
		}
		out = append(out, l)
	}
	return out, nil
}

func (l *Left) read() error {
	raw, err := os.ReadFile(l.path)
	if err != nil {
		return err
	}
	boot, err := bootID()
	if err != nil {
		return err
	}
	if len(raw) < headSize || !strings.HasPrefix(string(raw), version) || strings.TrimRight(string(raw[32:96]), "\x00") != boot ||
		uint64(len(raw)) != headSize+slotSize*binary.LittleEndian.Uint64(raw[96:]) {
		return nil
	}
	l.Sound, l.Beats = true, int64(binary.LittleEndian.Uint64(raw[beatsAt:]))
	for at := namesAt + 8; at < headSize; at += 8 {
		if name := binary.LittleEndian.Uint64(raw[at:]); name != 0 {
			l.Names = append(l.Names, int64(name))
		}
	}
	for at := headSize; at < len(raw); at += slotSize {
		id, note := binary.LittleEndian.Uint64(raw[at:]), binary.LittleEndian.Uint64(raw[at+8:])
		if fate := Fate(note & 0xff); fate != none {
			l.Entries = append(l.Entries, Entry{ID: int64(id), Attempt: int(note >> 8), Fate: fate})
		}
	}
	return nil
}

// Done removes a journal that has been settled. Keep leaves it for the next try.
func (l *Left) Done() error { return errors.Join(os.Remove(l.path), l.file.Close()) }

// Keep gives the lock back and leaves the file.
func (l *Left) Keep() error { return l.file.Close() }
