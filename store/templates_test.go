package store_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
	"testing"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

func TestSaveTemplate_OnlyANewSourceMakesAVersion(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var ids []rapport.ID
		for i, c := range []struct {
			source  string
			version int
			created bool
		}{{"a", 1, true}, {"a", 1, false}, {"b", 2, true}, {"a", 3, true}} {
			v, created, err := s.SaveTemplate(ctx, "welcome", c.source, json.RawMessage(`{"of":"`+c.source+`"}`))
			if err != nil || v.Version != c.version || created != c.created || v.Source != c.source || v.Key != "welcome" || v.Template == 0 {
				t.Fatalf("step %d: %+v, %v, %v", i, v, created, err)
			}
			ids = append(ids, v.ID)
			if got, err := s.TemplateVersion(ctx, v.ID); err != nil || string(got.Compiled) != `{"of":"`+c.source+`"}` || got.Template != v.Template {
				t.Errorf("%+v, %v", got, err)
			}
		}
		if ids[0] != ids[1] {
			t.Error("the same source got another id")
		}
		if v, err := s.CurrentTemplate(ctx, "welcome"); err != nil || v.ID != ids[3] {
			t.Errorf("%+v, %v", v, err)
		}
		page, next, err := s.Versions(ctx, "welcome", store.Page{Limit: 2})
		if err != nil || len(page) != 2 || page[0].Version != 3 || next != ids[2] {
			t.Errorf("%+v, %v, %v", page, next, err)
		}
		if page, next, err = s.Versions(ctx, "welcome", store.Page{Limit: 2, After: next}); err != nil || len(page) != 1 || page[0].Version != 1 || next != 0 {
			t.Errorf("%+v, %v, %v", page, next, err)
		}
		s.SaveTemplate(ctx, "bye", "x", json.RawMessage(`{}`))
		all, _, err := s.Templates(ctx, false, store.Page{Limit: 5})
		if err != nil || len(all) != 2 || all[0].Key != "bye" || all[1].Version != 3 {
			t.Errorf("%+v, %v", all, err)
		}
		for _, err := range []error{second(s.CurrentTemplate(ctx, "nope")), second(s.TemplateVersion(ctx, 5)), second(s.CurrentTemplate(ctx, "\x00"))} {
			if rapport.CodeOf(err) != rapport.CodeNotFound {
				t.Error(err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestSaveTemplate_ManyAuthorsGetDifferentVersions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var mu sync.Mutex
		seen := map[int]bool{}
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				v, _, err := s.SaveTemplate(ctx, "k", fmt.Sprint("source ", i), json.RawMessage(`{}`))
				mu.Lock()
				defer mu.Unlock()
				if err != nil || seen[v.Version] {
					t.Errorf("%+v, %v", v, err)
				}
				seen[v.Version] = true
			})
		}
		wg.Wait()
		if !seen[1] || !seen[8] {
			t.Errorf("%v", seen)
		}
	})
}

func TestTopics_AreKeptAndCreatedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		if created, err := s.EnsureTopic(ctx, "news", rapport.OptIn); err != nil || !created {
			t.Fatal(created, err)
		}
		if got, err := s.Topic(ctx, "news"); err != nil || got.Policy != rapport.OptIn || !got.Implicit {
			t.Errorf("%+v, %v", got, err)
		}
		want := rapport.Topic{Key: "news", Policy: rapport.OptOut, Title: map[string]string{"en": "News", "ru": "Новости"}, TrackOpens: true, TrackClicks: true}
		if err := s.PutTopic(ctx, want); err != nil {
			t.Fatal(err)
		}
		if created, err := s.EnsureTopic(ctx, "news", rapport.OptIn); err != nil || created {
			t.Fatal(created, err)
		}
		got, err := s.Topic(ctx, "news")
		want.UpdatedAt = got.UpdatedAt
		if err != nil || !reflect.DeepEqual(got, want) || got.UpdatedAt.IsZero() {
			t.Errorf("%+v, %v", got, err)
		}
		if all, err := s.Topics(ctx); err != nil || len(all) != 1 {
			t.Errorf("%+v, %v", all, err)
		}
		if _, err := s.Topic(ctx, "nope"); rapport.CodeOf(err) != rapport.CodeNotFound {
			t.Error(err)
		}
	})
}
