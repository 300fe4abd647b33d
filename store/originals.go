package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"rapport"
)

// Originals are mails as they came: files of this name and type.
const (
	originalName = "original.eml"
	originalType = "message/rfc822"
)

// StageOriginal writes an original a chunk a transaction, because a large one takes longer than the 20 ms that a
// transaction may. It is no file before KeepOriginal says so; one that is forgotten is among BrokenFiles.
func (s *Store) StageOriginal(ctx context.Context, raw []byte) (rapport.ID, error) {
	id, err := s.CreateFile(ctx, originalName, originalType)
	if err != nil {
		return 0, err
	}
	return id, s.appendChunks(ctx, id, raw)
}

// KeepOriginal makes raw a file, in the caller's transaction. staged is what StageOriginal gave for it, or 0 for one
// that is small.
func (s *Store) KeepOriginal(ctx context.Context, staged rapport.ID, raw []byte) (id rapport.ID, err error) {
	if id = staged; id == 0 {
		if id, err = s.CreateFile(ctx, originalName, originalType); err != nil {
			return 0, err
		}
		if err := s.appendChunks(ctx, id, raw); err != nil {
			return 0, err
		}
	}
	sum := sha256.Sum256(raw)
	return id, s.FinishFile(ctx, id, int64(len(raw)), hex.EncodeToString(sum[:]))
}

func (s *Store) appendChunks(ctx context.Context, id rapport.ID, raw []byte) error {
	for seq := 0; len(raw) > 0; seq++ {
		n := min(len(raw), FileChunk)
		if err := s.AppendChunk(ctx, id, seq, raw[:n]); err != nil {
			return err
		}
		raw = raw[n:]
	}
	return nil
}
