package api

import (
	"context"
	"mime"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"rapport"
)

// File is something that was uploaded.
type File struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	ContentType string    `json:"content_type" doc:"What its content looks like."`
	Size        int64     `json:"size" doc:"In bytes."`
	SHA256      string    `json:"sha256"`
	CreatedAt   time.Time `json:"created_at"`
}

func fileView(f rapport.File) File {
	return File{rapport.KindFile.Format(f.ID), f.Name, f.ContentType, f.Size, f.SHA256, f.CreatedAt}
}

func (d *door) files() {
	handle(d, route{Method: http.MethodPost, Path: "/v1/files", Scope: "write:files", Tag: "Files", Summary: "Upload a file", Status: 201, Large: true, Limit: d.o.Limits.Attachment,
		Content: []string{"application/octet-stream", "multipart/form-data"}, About: "For attachments. The file is the body (its name in the query), or a part of a form."}, d.postFile)
	handle(d, route{Method: http.MethodGet, Path: "/v1/files/{id}", Scope: "read:files", Tag: "Files", Summary: "About a file", Refuses: []int{404}}, d.getFile)
	handle(d, route{Method: http.MethodGet, Path: "/v1/files/{id}/content", Scope: "read:files", Tag: "Files", Summary: "Download a file", Refuses: []int{404}}, d.download)
}

type postFile struct {
	Request
	Name string `query:"name" maxLength:"200" example:"invoice.pdf"`
}

func (d *door) postFile(ctx context.Context, in *postFile) (*reply[File], error) {
	file, err := d.upload(fiberOf(in.ctx), in.body)
	if err != nil {
		return nil, err
	}
	f, err := d.g.KeepFile(ctx, file.name, file.media, file, d.o.Limits.Attachment)
	if err != nil {
		return nil, err
	}
	return created("/v1/files/"+rapport.KindFile.Format(f.ID), fileView(f))
}

type oneFile struct {
	Request
	ID string `path:"id" maxLength:"40" example:"fil_0b8t9g3kq8x1w"`
}

func (d *door) getFile(ctx context.Context, in *oneFile) (*reply[File], error) {
	id, err := parse(rapport.KindFile, in.ID, "file")
	if err != nil {
		return nil, err
	}
	f, err := d.st.File(ctx, id)
	if err != nil {
		return nil, err
	}
	return ok(fileView(f))
}

// download never lets a browser show what a stranger sent: it is an attachment, whatever its type.
func (d *door) download(ctx context.Context, in *oneFile) (*reply[func(huma.Context)], error) {
	id, err := parse(rapport.KindFile, in.ID, "file")
	if err != nil {
		return nil, err
	}
	return d.attached(ctx, in.ctx, id)
}

// linkedFile is for a provider that fetches what it sends. What it is has been seen in its bytes, and no browser shows it.
func (d *door) linkedFile(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), 15*time.Second)
	defer cancel()
	f, err := d.g.LinkedFile(ctx, unescape(c.Params("token")))
	if err != nil {
		return err
	}
	content, err := d.st.OpenFile(context.WithoutCancel(ctx), f.ID)
	if err != nil {
		return err
	}
	c.Set("Content-Type", f.ContentType)
	c.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	c.Context().SetBodyStream(content, int(f.Size))
	return nil
}

func (d *door) attached(ctx context.Context, req huma.Context, id rapport.ID) (*reply[func(huma.Context)], error) {
	f, err := d.st.File(ctx, id)
	if err != nil {
		return nil, err
	}
	content, err := d.st.OpenFile(context.WithoutCancel(ctx), id)
	if err != nil {
		return nil, err
	}
	c := fiberOf(req)
	return &reply[func(huma.Context)]{Status: http.StatusOK, Body: func(huma.Context) {
		c.Set("Content-Type", f.ContentType)
		c.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
		c.Context().SetBodyStream(content, int(f.Size))
	}}, nil
}
