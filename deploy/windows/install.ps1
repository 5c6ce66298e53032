#Requires -Version 5.1
<#
.SYNOPSIS
Checks and installs the bundle of pacs_monitor that it lies in, as a service of Windows. It needs Python alone, and no network.

.DESCRIPTION
install.ps1 verify                          before it crosses into the hospital's network, and there
install.ps1 install [-Into FOLDER]          a folder of its own for this version
install.ps1 service -Config monitor.yaml    register the service, and give its account the folders
install.ps1 upgrade -Config monitor.yaml    back up the record, and switch to this version
install.ps1 rollback -Config monitor.yaml   back to the version before; the record is kept

.PARAMETER Manifest
SHA-256 of SHA256SUMS, as whoever built the bundle says.

.PARAMETER LinkOnly
The record is backed up, or put back, by pg_dump and pg_restore.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true, Position = 0)]
    [ValidateSet('verify', 'install', 'service', 'upgrade', 'rollback')]
    [string] $Command,
    [string] $Manifest = '',
    [string] $Into = $env:ProgramFiles,
    [string] $Config = '',
    [string] $Account = '',
    [string] $Python = '',
    [switch] $LinkOnly
)

Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'
$Name = 'pacs-monitor'
$Here = $PSScriptRoot
$Into = $Into.TrimEnd('\')
$Link = Join-Path -Path $Into -ChildPath $Name
$System = '*S-1-5-18'
$Administrators = '*S-1-5-32-544'

function Get-Expected {
    # Names to hashes, as sha256sum writes and reads them.
    $expected = @{}
    $number = 0
    foreach ($line in [IO.File]::ReadAllLines((Join-Path -Path $Here -ChildPath 'SHA256SUMS'))) {
        $number += 1
        if ($line -cnotmatch '^(?<hash>[0-9a-f]{64})  (?<name>[^/\\:][^\\:]*)$' -or $Matches['name'].Split('/') -contains '..') {
            throw "get the bundle anew: line $number of SHA256SUMS is none of a manifest"
        }
        $expected[$Matches['name']] = $Matches['hash']
    }
    return $expected
}

function Get-Digest([string] $Path) {
    # Of what the file has itself: a link in its place would be read as whatever it leads to.
    if ((Get-Item -LiteralPath $Path -Force).Attributes -band [IO.FileAttributes]::ReparsePoint) {
        return 'a link'
    }
    return (Get-FileHash -LiteralPath $Path -Algorithm SHA256).Hash.ToLowerInvariant()
}

function Assert-Verified {
    # Every file against the manifest, in both directions, before anything of the bundle is run.
    $sums = Join-Path -Path $Here -ChildPath 'SHA256SUMS'
    if (-not (Test-Path -LiteralPath $sums -PathType Leaf)) {
        throw 'run the install.ps1 of a bundle: there is no SHA256SUMS beside this one'
    }
    $own = Get-Digest $sums
    if ($Manifest -and $Manifest -ne $own) {
        throw "get the bundle anew: SHA256SUMS is $own, not $Manifest"
    }
    $expected = Get-Expected
    $wrong = @()
    $there = @{}
    foreach ($file in Get-ChildItem -LiteralPath $Here -Recurse -File -Force) {
        $relative = $file.FullName.Substring($Here.Length + 1).Replace('\', '/')
        $there[$relative] = $true
        if ($relative -ceq 'SHA256SUMS') {
            continue
        }
        if (-not $expected.ContainsKey($relative)) {
            $wrong += "${relative}: is not in SHA256SUMS"
        } elseif ((Get-Digest $file.FullName) -ne $expected[$relative]) {
            $wrong += "${relative}: differs"
        }
    }
    foreach ($listed in $expected.Keys) {
        if (-not $there.ContainsKey($listed)) {
            $wrong += "${listed}: is missing"
        }
    }
    if ($wrong) {
        throw "get the bundle anew, and install nothing of this one:`n" + (($wrong | Sort-Object) -join "`n")
    }
    Write-Output "$($expected.Count) files are as SHA256SUMS says"
    Write-Output "SHA256SUMS itself is $own; compare this with what whoever built the bundle says"
}

function Find-Python {
    # The one that the wheels are for; from an installed folder, that of which it was made.
    if ($Python) {
        return $Python
    }
    $made = Join-Path -Path $Here -ChildPath 'pyvenv.cfg'
    if (Test-Path -LiteralPath $made -PathType Leaf) {
        $line = Get-Content -LiteralPath $made | Where-Object { $_ -match '^home\s*=' } | Select-Object -First 1
        return Join-Path -Path ($line -replace '^home\s*=\s*', '') -ChildPath 'python.exe'
    }
    $about = Get-Content -LiteralPath (Join-Path -Path $Here -ChildPath 'bundle.json') -Raw | ConvertFrom-Json
    $launcher = Get-Command -Name 'py.exe' -CommandType Application -ErrorAction SilentlyContinue
    if ($launcher) {
        $found = & $launcher.Source "-$($about.python)" '-I' '-c' 'import sys; print(sys.executable)'
        if ($LASTEXITCODE -eq 0 -and $found) {
            return $found
        }
    }
    throw "install Python $($about.python) of 64 bits for all users, or name it: -Python FILE"
}

function Invoke-Program([string] $Program, [string[]] $Arguments) {
    & $Program @Arguments
    if ($LASTEXITCODE -ne 0) {
        throw "$Program has ended with $LASTEXITCODE; what to do is said above"
    }
}

function Invoke-Bundle([string] $Verb, [string] $Bundle) {
    $arguments = @('-I', (Join-Path -Path $Bundle -ChildPath 'bundle.py'), $Verb, '--into', $Into)
    if ($Config) {
        $arguments += @('--config', $Config)
    }
    if ($Manifest -and $Verb -ne 'rollback') {
        $arguments += @('--manifest', $Manifest)
    }
    if ($LinkOnly -and $Verb -ne 'install') {
        $arguments += '--link-only'
    }
    Invoke-Program (Find-Python) $arguments
}

function Get-Registered {
    return Get-CimInstance -ClassName Win32_Service -Filter "Name='$Name'"
}

function Assert-Stopped {
    $registered = Get-Registered
    if ($registered -and $registered.State -ne 'Stopped') {
        throw "stop the service first: Stop-Service $Name"
    }
}

function Assert-Configured {
    if (-not $Config) {
        throw 'name the configuration: -Config C:\ProgramData\pacs-monitor\monitor.yaml'
    }
}

function Assert-OwnFolder {
    # What is in it is closed to everybody else.
    $folder = Split-Path -Path $Config -Parent
    if ((Split-Path -Path $folder -Leaf) -ne $Name -or $folder -eq $Link) {
        throw "put the configuration into a folder of its own, such as C:\ProgramData\${Name}: other people lose the right to read $folder"
    }
}

function Register-Monitor([string] $As) {
    # By the program of the version in use; a service that is there is changed.
    $data = Join-Path -Path (Split-Path -Path $Config -Parent) -ChildPath 'data'
    $null = New-Item -Path $data -ItemType Directory -Force
    $log = Join-Path -Path $data -ChildPath "$Name.log"
    $arguments = @('service', 'install', '--config', $Config, '--environment', $Link, '--log', $log)
    if ($As) {
        $arguments += @('--account', $As)
    }
    Invoke-Program (Join-Path -Path $Link -ChildPath "Scripts\$Name.exe") $arguments
}

function Protect-Folder {
    # The service reads its configuration and its secrets, and writes its record and its log; other people do neither.
    $folder = Split-Path -Path $Config -Parent
    $data = Join-Path -Path $folder -ChildPath 'data'
    $icacls = Join-Path -Path $env:SystemRoot -ChildPath 'System32\icacls.exe'
    $full = @("${System}:(OI)(CI)F", "${Administrators}:(OI)(CI)F")
    Invoke-Program $icacls (@($folder, '/inheritance:r', '/grant:r') + $full + "NT SERVICE\${Name}:(OI)(CI)RX")
    Invoke-Program $icacls (@($data, '/grant:r') + "NT SERVICE\${Name}:(OI)(CI)M")
}

function Update-Registered {
    # The version in use may need another Python; the account stays.
    $registered = Get-Registered
    if ($registered) {
        $managed = if ($registered.StartName -like '*$') { $registered.StartName } else { '' }
        Register-Monitor $managed
    }
}

try {
    if ($Config) {
        $Config = (Resolve-Path -LiteralPath $Config).ProviderPath
    }
    switch ($Command) {
        'verify' {
            Assert-Verified
        }
        'install' {
            Assert-Verified
            Invoke-Bundle 'install' $Here
        }
        'service' {
            Assert-Configured
            Assert-OwnFolder
            Assert-Stopped
            Register-Monitor $Account
            Protect-Folder
            Write-Output "Next: Start-Service $Name"
        }
        'upgrade' {
            Assert-Verified
            Assert-Configured
            Assert-Stopped
            Invoke-Bundle 'upgrade' $Here
            Update-Registered
            Write-Output "Next: Start-Service $Name"
        }
        'rollback' {
            Assert-Configured
            Assert-Stopped
            Invoke-Bundle 'rollback' $Link
            Update-Registered
            Write-Output "Next: Start-Service $Name"
        }
    }
} catch {
    [Console]::Error.WriteLine($_.Exception.Message)
    exit 1
}
