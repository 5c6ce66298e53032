// IIS in front of pacs_monitor, with Windows authentication: a site of ASP.NET Core (8 or later) with YARP 2.
// Rules of URL Rewrite and ARR cannot do this: they run before the sign-in, when LOGON_USER is empty.
using Microsoft.AspNetCore.Server.IISIntegration;
using Yarp.ReverseProxy.Transforms;

var builder = WebApplication.CreateBuilder(args);
var groups = builder.Configuration.GetSection("Groups").Get<string[]>() ?? [];
builder.Services.AddAuthentication(IISDefaults.AuthenticationScheme);
builder.Services.AddAuthorization(options => options.FallbackPolicy = options.DefaultPolicy);
builder.Services.AddReverseProxy()
    .LoadFromConfig(builder.Configuration.GetSection("ReverseProxy"))
    .AddTransforms(context => context.AddRequestTransform(sent =>
    {
        var (headers, person) = (sent.ProxyRequest.Headers, sent.HttpContext.User);
        // Whatever a browser sent is removed; the groups are those of Active Directory, nested ones too.
        headers.Remove("X-Remote-User");
        headers.Remove("X-Remote-Groups");
        headers.Remove("Authorization");
        headers.TryAddWithoutValidation("X-Remote-User", person.Identity?.Name ?? "");
        var known = groups.Where(person.IsInRole).Select(name => name[(name.IndexOf('\\') + 1)..]);
        headers.TryAddWithoutValidation("X-Remote-Groups", string.Join(",", known));
        return ValueTask.CompletedTask;
    }));
var app = builder.Build();
app.UseAuthentication();
app.UseAuthorization();
app.MapReverseProxy();
app.Run();
