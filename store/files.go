package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"rapport"
)

// FileChunk is the largest piece that AppendChunk takes.
const FileChunk = 256 << 10

const fileColumns = `id, name, content_type, size, sha256, complete, created_at`

func scanFile(scan func(...any) error) (f rapport.File, err error) {
	var complete int
	var created int64
	err = scan(&f.ID, &f.Name, &f.ContentType, &f.Size, &f.SHA256, &complete, &created)
	f.Complete, f.CreatedAt = complete == 1, at(created)
	return
}

// KeepFile stores what r brings, at most limit bytes of it, one chunk a transaction. When it returns an
// error nothing is left of the file. CodeTooLarge: there is more than limit.
func (s *Store) KeepFile(ctx context.Context, name, contentType string, r io.Reader, limit int64) (f rapport.File, err error) {
	id, err := s.CreateFile(ctx, name, contentType)
	if err != nil {
		return f, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.DeleteFile(context.WithoutCancel(ctx), id))
		}
	}()
	sum := sha256.New()
	buf := make([]byte, FileChunk)
	var size int64
	for seq := 0; ; seq++ {
		n, readErr := io.ReadFull(r, buf)
		if size += int64(n); size > limit {
			return f, rapport.Errorf(rapport.CodeTooLarge, "The file is larger than %d bytes.", limit)
		}
		if n > 0 {
			sum.Write(buf[:n])
			if err := s.AppendChunk(ctx, id, seq, buf[:n]); err != nil {
				return f, err
			}
		}
		if readErr == io.EOF || readErr == io.ErrUnexpectedEOF {
			break
		}
		if readErr != nil {
			return f, fmt.Errorf("reading an upload: %w", readErr)
		}
	}
	if err := s.FinishFile(ctx, id, size, hex.EncodeToString(sum.Sum(nil))); err != nil {
		return f, err
	}
	return s.File(ctx, id)
}

// CreateFile begins a file.
func (s *Store) CreateFile(ctx context.Context, name, contentType string) (rapport.ID, error) {
	id := s.NewID()
	_, err := s.exec(ctx, `INSERT INTO files (id, name, content_type, size, sha256, created_at) VALUES ($1, $2, $3, 0, '', $4)`, id, name, contentType, ms(s.Now()))
	return id, err
}

// AppendChunk stores piece seq (0, 1, ...) of a file, at most FileChunk bytes.
func (s *Store) AppendChunk(ctx context.Context, id rapport.ID, seq int, data []byte) error {
	if len(data) > FileChunk {
		return fmt.Errorf("storing a file: a chunk of %d bytes, at most %d", len(data), FileChunk)
	}
	_, err := s.exec(ctx, `INSERT INTO file_chunks (file_id, seq, data) VALUES ($1, $2, $3)`, id, seq, data)
	return err
}

// FinishFile says that all chunks are there.
func (s *Store) FinishFile(ctx context.Context, id rapport.ID, size int64, sum string) error {
	n, err := s.exec(ctx, `UPDATE files SET complete = 1, size = $1, sha256 = $2 WHERE id = $3 AND complete = 0`, size, sum, id)
	if err == nil && n == 0 {
		return rapport.NotFound("unfinished file")
	}
	return err
}

// File finds one that is complete.
func (s *Store) File(ctx context.Context, id rapport.ID) (rapport.File, error) {
	f, err := scanFile(s.row(ctx, `SELECT `+fileColumns+` FROM files WHERE id = $1 AND complete = 1`, id).Scan)
	return f, missing(err, "file")
}

// OpenFile reads a complete file chunk by chunk, so that a large one never stands in memory. It holds
// nothing between reads; ctx must live as long as the reader.
func (s *Store) OpenFile(ctx context.Context, id rapport.ID) (io.ReadCloser, error) {
	f, err := s.File(ctx, id)
	if err != nil {
		return nil, err
	}
	return &fileReader{ctx: ctx, s: s, id: id, left: f.Size}, nil
}

type fileReader struct {
	ctx   context.Context
	s     *Store
	id    rapport.ID
	seq   int
	chunk []byte
	left  int64
}

func (r *fileReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	if len(r.chunk) == 0 {
		err := r.s.row(r.ctx, `SELECT data FROM file_chunks WHERE file_id = $1 AND seq = $2`, r.id, r.seq).Scan(&r.chunk)
		if err != nil {
			return 0, fmt.Errorf("reading file %s: %w", rapport.KindFile.Format(r.id), missing(err, "piece of it: it was deleted"))
		}
		r.seq++
	}
	n := copy(p, r.chunk)
	r.chunk = r.chunk[n:]
	r.left -= int64(n)
	return n, nil
}

func (r *fileReader) Close() error { return nil }

// DeleteFile removes a file, a few chunks a transaction. Deleting one that is gone is no error.
func (s *Store) DeleteFile(ctx context.Context, id rapport.ID) error {
	if _, err := s.exec(ctx, `UPDATE files SET complete = 0 WHERE id = $1`, id); err != nil {
		return err
	}
	for {
		n, err := s.exec(ctx, `DELETE FROM file_chunks WHERE file_id = $1 AND seq IN (SELECT seq FROM file_chunks WHERE file_id = $1 LIMIT 16)`, id)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	_, err := s.exec(ctx, `DELETE FROM files WHERE id = $1`, id)
	return err
}

// BrokenFiles names up to MaxRows files whose upload broke off before then.
func (s *Store) BrokenFiles(ctx context.Context, before time.Time) ([]rapport.ID, error) {
	return collect(ctx, s, scanID, `SELECT id FROM files WHERE complete = 0 AND created_at < $1 ORDER BY id LIMIT $2`, ms(before), MaxRows)
}
