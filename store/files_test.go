package store_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
	"time"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

func TestKeepFile_GivesBackTheBytesItTook(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for _, size := range []int{0, 1, store.FileChunk - 1, store.FileChunk, store.FileChunk + 1, 3 * store.FileChunk} {
			data := make([]byte, size)
			rand.NewChaCha8([32]byte{1}).Read(data)
			f, err := s.KeepFile(ctx, "a.csv", "text/csv", iotest.HalfReader(bytes.NewReader(data)), int64(size))
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(data)
			if f.Size != int64(size) || f.SHA256 != hex.EncodeToString(sum[:]) || f.Name != "a.csv" || f.ContentType != "text/csv" || !f.Complete {
				t.Errorf("%+v", f)
			}
			r, err := s.OpenFile(ctx, f.ID)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes: got %d, %v", size, len(got), err)
			}
			r.Close()
		}
	})
}

func TestKeepFile_LeavesNothingWhenItFails(t *testing.T) {
	t.Parallel()
	eachAt(t, func(t *testing.T, s *store.Store, now *clock) {
		boom := errors.New("boom")
		_, err := s.KeepFile(ctx, "a", "b", io.MultiReader(bytes.NewReader(make([]byte, store.FileChunk*2)), iotest.ErrReader(boom)), 1<<30)
		if !errors.Is(err, boom) {
			t.Error(err)
		}
		_, err = s.KeepFile(ctx, "a", "b", bytes.NewReader(make([]byte, 11)), 10)
		code(t, err, rapport.CodeTooLarge)
		now.pass(time.Hour)
		if ids, err := s.BrokenFiles(ctx, now.now()); err != nil || len(ids) != 0 {
			t.Errorf("%v, %v", ids, err)
		}
	})
}

func TestFile_IsSeenOnlyWhenComplete(t *testing.T) {
	t.Parallel()
	eachAt(t, func(t *testing.T, s *store.Store, now *clock) {
		id, err := s.CreateFile(ctx, "a", "b")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.AppendChunk(ctx, id, 0, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := s.AppendChunk(ctx, id, 1, make([]byte, store.FileChunk+1)); err == nil {
			t.Error("took a chunk that is too large")
		}
		code(t, second(s.File(ctx, id)), rapport.CodeNotFound)
		code(t, second(s.OpenFile(ctx, id)), rapport.CodeNotFound)
		now.pass(time.Hour)
		if ids, err := s.BrokenFiles(ctx, now.now()); err != nil || len(ids) != 1 || ids[0] != id {
			t.Errorf("%v, %v", ids, err)
		}
		if err := s.FinishFile(ctx, id, 1, "sum"); err != nil {
			t.Fatal(err)
		}
		code(t, s.FinishFile(ctx, id, 1, "sum"), rapport.CodeNotFound)
		r, err := s.OpenFile(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := s.DeleteFile(ctx, id); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := io.ReadAll(r); err == nil {
			t.Error("read a file that was deleted")
		}
	})
}
